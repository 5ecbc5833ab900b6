/** The command table of `collie evaluate`. */
import { type Command, Option } from 'commander';
import { collect, wholeNumber } from './options.ts';
import type { CommandParts } from './queue-commands.ts';
import { judgeOption } from './trust-commands.ts';

export function registerEvaluation(
  program: Command,
  { guarded, json }: Pick<CommandParts, 'guarded' | 'json'>,
): void {
  program
    .command('evaluate')
    .description("evaluate named sets on a run's checkpoint or on a base model, and print every metric")
    .option('--run <run>', 'the run whose checkpoint is evaluated')
    .option('--checkpoint <name>', 'which, or `best`; the newest when left out')
    .option('--model <model>', 'instead of a run: a model of the library (library:<id>) or its folder')
    .option('--sets <file>', "a list of sets, or a spec that has some (JSON); left out: the run's own")
    .option(
      '--task <task=file>',
      'a file of a public benchmark as it is, e.g. arc=arc-easy.jsonl (repeatable)',
      collect,
      [],
    )
    .option('--max-rows <number>', 'at most this many rows of every set', wholeNumber(1, 1_000_000))
    .option('--no-held-out', "without the run's held-out rows")
    .option('--name <name>', 'name of the evaluation', '')
    .addOption(new Option('--device <device>').choices(['cpu', 'cuda']))
    .addOption(new Option('--precision <format>').choices(['bf16', 'fp32']))
    .option('--seq-len <tokens>', 'most tokens of a row', wholeNumber(8, 131_072))
    .option('--batch-size <rows>', 'rows of full length that are forwarded at once', wholeNumber(1, 1024))
    .addOption(judgeOption())
    .option('--detach', 'start it and return; `collie runs list` shows it', false)
    .action(
      guarded(async (flags) => (await import('./evaluate.ts')).evaluateCommand({ ...flags, json: json() })),
    );
}
