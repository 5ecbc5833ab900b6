/** The command table of what is asked of models, and of runs that are going: `collie evaluate`, `ask`, `pause`, `resume`, `webhook`. */
import { type Command, Option } from 'commander';
import { collect, wholeNumber } from './options.ts';
import type { CommandParts } from './queue-commands.ts';

export function registerEvaluation(
  program: Command,
  { guarded, json }: Pick<CommandParts, 'guarded' | 'json'>,
): void {
  program
    .command('evaluate')
    .description("evaluate named sets on a run's checkpoint or on a base model, and print every metric")
    .option('--run <run>', 'the run whose checkpoint is evaluated')
    .option('--checkpoint <name>', 'which; the newest when left out')
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
    .option('--name <name>', 'how the evaluation is called', '')
    .addOption(new Option('--device <device>').choices(['cpu', 'cuda']))
    .addOption(new Option('--precision <format>').choices(['bf16', 'fp32']))
    .option('--seq-len <tokens>', 'most tokens of a row', wholeNumber(8, 131_072))
    .option('--batch-size <rows>', 'rows of full length that are forwarded at once', wholeNumber(1, 1024))
    .option('--detach', 'start it and return; `collie runs list` shows it', false)
    .action(
      guarded(async (flags) => (await import('./evaluate.ts')).evaluateCommand({ ...flags, json: json() })),
    );

  program
    .command('ask')
    .argument('<run>', 'id of a run that trains')
    .argument('<question>', 'what the user says')
    .description(
      'ask the weights as they are, between two steps; the training waits meanwhile and is not changed',
    )
    .option('--base', 'the base model answers, without the adapter that is trained', false)
    .option('--system <message>', 'a system message before the question', '')
    .option('--max-tokens <number>', 'most tokens in the answer', wholeNumber(1, 4096), 256)
    .option('--temperature <number>', '0: always the most likely token', Number, 0)
    .option('--seed <number>', 'of a sampled answer', wholeNumber(0, 2_147_483_647), 0)
    .action(
      guarded(async (run, question, flags) =>
        (await import('./live.ts')).askCommand(run, question, { ...flags, json: json() }),
      ),
    );
  for (const [name, paused, text] of [
    ['pause', true, 'hold a run after the current step, with all its memory'],
    ['resume', false, 'let a paused run train on'],
  ] as const)
    program
      .command(name)
      .argument('<run>', 'id of a run')
      .description(text)
      .action(guarded(async (run) => (await import('./live.ts')).pauseCommand(run, paused, json())));
  program
    .command('webhook')
    .argument('[url]', 'address that gets every alarm as JSON; left out: show it')
    .option('--off', 'send nothing any more', false)
    .description('where alarms of runs are sent; nowhere unless an address is given')
    .action(guarded(async (url, { off }) => (await import('./live.ts')).webhookCommand(url, off, json())));
}
