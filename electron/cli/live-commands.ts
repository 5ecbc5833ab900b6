/** The command table of what is asked of runs that are going: `collie watch`, `ask`, `pause`, `resume`, `tell`, `change`, and `webhook`. */
import { Argument, type Command } from 'commander';
import type { RunRequest } from '../shared/runs/requests.ts';
import { wholeNumber } from './options.ts';
import type { CommandParts } from './queue-commands.ts';

/** Pausing has commands of its own. */
const told: readonly RunRequest[] = ['save', 'sample', 'evaluate', 'end_epoch'];

export function registerLive(
  program: Command,
  { guarded, json }: Pick<CommandParts, 'guarded' | 'json'>,
): void {
  program
    .command('watch')
    .argument('<run>', 'id of a run')
    .description('progress, every metric with its curve, and alarms, on the terminal; only looks')
    .option('--once', 'print it once', false)
    .action(
      guarded(async (run, { once }) =>
        (await import('./watch.ts')).watchCommand(run, { once, json: json() }),
      ),
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
    .option('--temperature <number>', '0: greedy decoding', Number, 0)
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
    .command('tell')
    .argument('<run>', 'id of a run that trains')
    .addArgument(new Argument('<what>', 'what it does after the current step').choices(told))
    .description('a checkpoint, samples or an evaluation now, or a stop at the end of the epoch')
    .action(guarded(async (run, what) => (await import('./live.ts')).tellCommand(run, what, json())));
  program
    .command('change')
    .argument('<run>', 'id of a run that trains')
    .option('--learning-rate <rate>', 'the peak of the schedule', Number)
    .option('--steps <number>', 'where the run ends, and its schedule', wholeNumber(1, 1_000_000))
    .description("other settings from the next step on, kept in the run's record")
    .action(
      guarded(async (run, { learningRate, steps }) =>
        (await import('./live.ts')).changeCommand(
          run,
          {
            ...(learningRate === undefined ? {} : { learning_rate: learningRate }),
            ...(steps === undefined ? {} : { total_steps: steps }),
          },
          json(),
        ),
      ),
    );
  program
    .command('webhook')
    .argument('[url]', 'address that gets every alarm as JSON; left out: show it')
    .option('--off', 'send nothing any more', false)
    .option('--test', 'send a test message there now; an address that does not take it is not kept', false)
    .description('where alarms of runs are sent; nowhere unless an address is given')
    .action(guarded(async (url, flags) => (await import('./live.ts')).webhookCommand(url, flags, json())));
}
