/** `collie queue ...`: its subcommands. What they do is loaded when one is called. */
import { Argument, type Command, type Option } from 'commander';
import type { StudyKind } from '../shared/spec/study.ts';
import { collect, wholeNumber } from './options.ts';
import { judgeOption, trustOption } from './trust-commands.ts';

/** What every command of the program is made with. */
export interface CommandParts {
  guarded<A extends unknown[]>(work: (...args: A) => Promise<void>): (...args: A) => Promise<void>;
  json(): boolean;
  setOption(): Option;
}

export function registerQueue(program: Command, { guarded, json, setOption }: CommandParts): void {
  const queue = program
    .command('queue')
    .description('runs that wait for their turn; without a subcommand: show them')
    .action(guarded(async () => (await import('./queue.ts')).showQueue(json())));
  queue
    .command('add')
    .argument('<specs...>', 'spec files (JSON); their settings and data are fixed now')
    .description('put new runs at the end of the queue')
    .addOption(setOption())
    .option('--after <run>', 'start the first of them only when this run is complete')
    .addOption(trustOption())
    .addOption(judgeOption())
    .action(
      guarded(async (specs, flags) =>
        (await import('./queue.ts')).addToQueue(specs, { ...flags, json: json() }),
      ),
    );
  queue
    .command('retry')
    .argument('<run>', 'id of a run that was stopped or has failed')
    .description('queue it again; it resumes from its newest checkpoint')
    .addOption(judgeOption())
    .action(
      guarded(async (id, { allowJudge }) =>
        (await import('./queue.ts')).changeQueue('queue.retry', { id }, json(), allowJudge),
      ),
    );
  queue
    .command('move')
    .argument('<run>', 'id of a run in the queue')
    .option('--before <run>', 'the one that it goes before; left out: to the end')
    .description('change the order')
    .action(
      guarded(async (id, { before }) =>
        (await import('./queue.ts')).changeQueue('queue.move', { id, before: before ?? null }, json()),
      ),
    );
  for (const [name, skipped, description] of [
    ['skip', true, 'pass a run over until `unskip`'],
    ['unskip', false, 'let a skipped run take its turn again'],
  ] as const)
    queue
      .command(name)
      .argument('<run>', 'id of a run in the queue')
      .description(description)
      .action(
        guarded(async (id) =>
          (await import('./queue.ts')).changeQueue('queue.change', { id, skipped }, json()),
        ),
      );
  queue
    .command('after')
    .argument('<run>', 'id of a run in the queue')
    .argument('[other]', 'the run that has to be complete first; left out: none')
    .description('start a run only when another is complete')
    .action(
      guarded(async (id, other) =>
        (await import('./queue.ts')).changeQueue('queue.change', { id, after: other ?? null }, json()),
      ),
    );
  for (const [name, paused, description] of [
    ['pause', true, 'start nothing more; what runs goes on'],
    ['continue', false, 'start again what is in line'],
  ] as const)
    queue
      .command(name)
      .description(description)
      .action(guarded(async () => (await import('./queue.ts')).changeQueue('queue.set', { paused }, json())));
  queue
    .command('on-failure')
    .addArgument(new Argument('<what>', 'when a run of the queue fails').choices(['continue', 'pause']))
    .description('whether a failed run holds those behind it')
    .action(
      guarded(async (what) =>
        (await import('./queue.ts')).changeQueue('queue.set', { on_failure: what }, json()),
      ),
    );
  queue
    .command('remove')
    .argument('<run>', 'id of a run in the queue')
    .description('take a run out of the queue; one that never began is deleted')
    .action(guarded(async (id) => (await import('./queue.ts')).changeQueue('queue.remove', { id }, json())));
  program
    .command('sweep')
    .argument('<sweep>', 'sweep file (JSON): a spec, the settings that change, seeds (docs/queue.md)')
    .description('put many runs of one spec in the queue, with other values of some settings')
    .option(
      '--to <sweep>',
      'add its points, seeds, rungs or budget to a sweep that is there; what is left out stays',
    )
    .option('--dry-run', 'only show the points, what is wrong with them, and what they take', false)
    .option('--leave-out', 'run the other points where some cannot be run', false)
    .addOption(trustOption())
    .addOption(judgeOption())
    .action(
      guarded(async (sweep, flags) =>
        (await import('./sweep.ts')).sweepCommand(sweep, { ...flags, json: json() }),
      ),
    );
  registerStudies(program, { guarded, json });
}

const layers = (value: string, all: number[]): number[] => [...all, wholeNumber(1, 512)(value)];

const dataHelp = (kind: StudyKind): string =>
  kind === 'quality'
    ? 'library:<id> or a file, also several times; <dataset>=<dataset>: with the rows that it is judged on; left out: the newest dataset of the library'
    : 'library:<id> or a file; left out: the newest dataset of the library';

function registerStudies(program: Command, { guarded, json }: Pick<CommandParts, 'guarded' | 'json'>): void {
  const study = program
    .command('study')
    .description("the paper's studies through the queue: memory, throughput, quality (docs/studies.md)");
  for (const kind of ['memory', 'throughput', 'quality'] as const) {
    const command = study
      .command(kind)
      .description(`queue the ${kind} study, wait for its runs, print its report`)
      .option('--model <model>', 'a model, also several times; left out: the starter model', collect, [])
      .option('--data <dataset>', dataHelp(kind), collect, [])
      .option(
        '--layers <n>',
        'also the shape of each model with so many layers and random weights',
        layers,
        [],
      )
      .option('--steps <n>', 'steps of each run', wholeNumber(1, 1_000_000))
      .option('--file <json>', 'a study, or a part of one, over the defaults')
      .option('--dry-run', 'only show how many runs, how long, how much memory', false)
      .option('--out <file>', 'write the report there');
    if (kind === 'quality')
      command.option(
        '--answers <rows>',
        'answer so many of the rows that it is judged on, and count the right numbers (GSM8K)',
        wholeNumber(0, 10_000),
      );
    command.action(
      guarded(async (flags) => (await import('./study.ts')).studyCommand(kind, { ...flags, json: json() })),
    );
  }
  study
    .command('report')
    .argument('<study>', 'id of a study')
    .description('what its complete runs show')
    .option('--out <file>', 'write it there')
    .action(
      guarded(async (id, flags) =>
        (await import('./study.ts')).studyReportCommand(id, { ...flags, json: json() }),
      ),
    );
}
