/** The commands of what the user has allowed (`collie callbacks`, `collie judges`), and the options of commands that would be refused without it. */
import { type Command, Option } from 'commander';
import type { TrustName } from '../shared/api/trust.ts';
import { collect } from './options.ts';
import type { CommandParts } from './queue-commands.ts';

export const trustOption = () =>
  new Option(
    '--trust-callbacks',
    'approve the callbacks of the spec as they are, without being asked',
  ).default(false);

export const judgeOption = () =>
  new Option(
    '--allow-judge <origin>',
    'allow the judge of the spec at this address, e.g. http://127.0.0.1:8080, without being asked (repeatable)',
  )
    .argParser(collect)
    .default([]);

type Parts = Pick<CommandParts, 'guarded' | 'json'>;

interface TrustCommand {
  about: string;
  /** Behind "those that are". */
  allowed: string;
  forget: { argument: string; help: string; does: string };
  /** How something is allowed, and what else there is. */
  more(command: Command, parts: Parts): void;
}

const commands: { readonly [K in TrustName]: TrustCommand } = {
  callbacks: {
    about: 'programs of yours beside a run (docs/callbacks.md); without a subcommand: those you approved',
    allowed: 'approved',
    forget: {
      argument: '<callback>',
      help: 'its path, or the beginning of its hash',
      does: 'take an approval back; runs that are going are not touched',
    },
    more(callbacks, { guarded, json }) {
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
        .action(guarded(async (files) => (await import('./callbacks.ts')).trustCallbacks(files, json())));
    },
  },
  judges: {
    about:
      'models by their address that grade answers (docs/evaluation.md); without a subcommand: those you allowed',
    allowed: 'allowed',
    forget: {
      argument: '<address>',
      help: 'the address',
      does: 'take it back; a run that is going asks it no more from its next evaluation on',
    },
    more(judges, { guarded, json }) {
      judges
        .command('allow')
        .argument('<address>', 'scheme, host and port, e.g. https://api.openai.com')
        .description('allow that questions, references and answers of evaluation sets are sent there')
        .option('--key-env <variable>', 'with the key that this environment variable holds; left out: no key')
        .action(
          guarded(async (address, { keyEnv }) =>
            (await import('./judges.ts')).allowJudge(address, keyEnv ?? null, json()),
          ),
        );
    },
  },
};

export function registerTrust(program: Command, kind: TrustName, parts: Parts): void {
  const { about, allowed, forget, more } = commands[kind];
  const { guarded, json } = parts;
  const list = guarded(async () => (await import('./trust.ts')).listAllowed(kind, json()));
  const command = program.command(kind).description(about).action(list);
  more(command, parts);
  command.command('list').description(`those that are ${allowed}`).action(list);
  command
    .command('forget')
    .argument(forget.argument, forget.help)
    .description(forget.does)
    .action(guarded(async (what) => (await import('./trust.ts')).forgetAllowed(kind, what, json())));
}
