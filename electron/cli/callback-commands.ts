/** The command table of `collie callbacks`, and the option of commands that start runs. */
import { type Command, Option } from 'commander';
import type { CommandParts } from './queue-commands.ts';

export const trustOption = () =>
  new Option(
    '--trust-callbacks',
    'approve the callbacks of the spec as they are, without being asked',
  ).default(false);

export function registerCallbacks(
  program: Command,
  { guarded, json }: Pick<CommandParts, 'guarded' | 'json'>,
): void {
  const callbacks = program
    .command('callbacks')
    .description(
      'programs of yours beside a run (docs/callbacks.md); without a subcommand: those you approved',
    )
    .action(guarded(async () => (await import('./callbacks.ts')).listCallbacks(json())));
  callbacks
    .command('new')
    .argument('<file>', 'where it goes, e.g. my-callback.ts')
    .description('write a callback to begin with, and the types beside it')
    .addOption(
      new Option('--example <which>', 'what it does')
        .choices(['early-stop', 'loss-csv', 'chat-message'])
        .default('early-stop'),
    )
    .action(
      guarded(async (file, { example }) =>
        (await import('./callbacks.ts')).newCallback(file, { example, json: json() }),
      ),
    );
  callbacks
    .command('trust')
    .argument('<files...>', 'callbacks, or the copies that a run has of them')
    .description('approve them as they are now; after a change they are asked about again')
    .action(guarded(async (files) => (await import('./callbacks.ts')).trustCallbacksCommand(files, json())));
  callbacks
    .command('list')
    .description('those that are approved')
    .action(guarded(async () => (await import('./callbacks.ts')).listCallbacks(json())));
  callbacks
    .command('forget')
    .argument('<callback>', 'its path, or the beginning of its hash')
    .description('take an approval back; runs that are going are not touched')
    .action(guarded(async (what) => (await import('./callbacks.ts')).forgetCallback(what, json())));
}
