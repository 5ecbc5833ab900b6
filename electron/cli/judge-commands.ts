/** The command table of `collie judges`, and the option of commands that start evaluations. */
import { type Command, Option } from 'commander';
import { collect } from './options.ts';
import type { CommandParts } from './queue-commands.ts';

export const judgeOption = () =>
  new Option(
    '--allow-judge <origin>',
    'allow the judge of the spec at this address, e.g. http://127.0.0.1:8080, without being asked (repeatable)',
  )
    .argParser(collect)
    .default([]);

export function registerJudges(
  program: Command,
  { guarded, json }: Pick<CommandParts, 'guarded' | 'json'>,
): void {
  const judges = program
    .command('judges')
    .description(
      'models by their address that grade answers (docs/evaluation.md); without a subcommand: those you allowed',
    )
    .action(guarded(async () => (await import('./judges.ts')).listJudges(json())));
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
  judges
    .command('list')
    .description('those that are allowed')
    .action(guarded(async () => (await import('./judges.ts')).listJudges(json())));
  judges
    .command('forget')
    .argument('<address>', 'the address')
    .description('take it back; a run that is going asks it no more from its next evaluation on')
    .action(guarded(async (address) => (await import('./judges.ts')).forgetJudge(address, json())));
}
