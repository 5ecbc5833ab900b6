#!/usr/bin/env node
/** `collie ...`: the command table. Each command lives in its own file and is loaded when it is called. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { productVersion } from '../server/host/system.ts';
import { metricsFormats } from '../shared/runs/metrics-export.ts';
import { exportKindSchema } from '../shared/spec/method-traits.ts';
import { parseRule } from './compare-rule.ts';
import { collect, wholeNumber } from './options.ts';
import { exitCodes, printError } from './output.ts';
import { judgeOption, registerTrust, trustOption } from './trust-commands.ts';

const program = new Command('collie')
  .description('Fine-tune language models on your own workstation.')
  .version(productVersion())
  .option('--json', 'write results and errors as JSON')
  .showHelpAfterError();

// Whoever read our output has had enough (`| head`): no reason for a stack trace. A run that was followed goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode);
});

const json = () => program.opts<{ json?: boolean }>().json ?? false;

/** Runs a command; what it throws is printed with its next step and ends in an exit code. */
function guarded<A extends unknown[]>(action: (...args: A) => Promise<void>) {
  return async (...args: A) => {
    try {
      await action(...args);
    } catch (thrown) {
      printError(thrown, json());
      process.exitCode = exitCodes.failed;
    }
  };
}

function resultRule(text: string) {
  const rule = parseRule(text);
  if (rule) return rule;
  throw new InvalidArgumentError('Give last, best, mean:<n>, equal-tokens or equal-time.');
}

const portOption = () =>
  new Option('--port <number>', 'port on 127.0.0.1; 0: any free one')
    .argParser(wholeNumber(0, 65_535))
    .default(7433);
const setOption = () =>
  new Option('--set <path=value>', 'change one setting, e.g. optimizer.learning_rate=1e-4 (repeatable)')
    .argParser(collect)
    .default([]);

program
  .command('quickstart')
  .description('fetch a small model, fine-tune it on the sample dataset, export the adapter')
  .option('--again', 'train again even when a quickstart run is complete', false)
  .action(
    guarded(async (flags) => (await import('./quickstart.ts')).quickstartCommand({ ...flags, json: json() })),
  );

program
  .command('start')
  .description('open the workbench in its window, or in the browser where there is none')
  .addOption(portOption())
  .action(
    guarded(async (flags) =>
      (await import('./serve.ts')).startCommand({ ...flags, open: true, allowOrigin: [] }),
    ),
  );

program
  .command('doctor')
  .description('say what this machine has and what is missing for training, each with a next step')
  .action(guarded(async () => (await import('./doctor.ts')).doctorCommand({ json: json() })));

program
  .command('serve')
  .description('serve the workbench to a browser on this machine')
  .addOption(portOption())
  .option('--open', 'open the browser', false)
  .option('--allow-origin <origin>', 'also accept pages of this origin (development)', collect, [])
  .action(guarded(async (flags) => (await import('./serve.ts')).serveCommand(flags)));

program
  .command('run')
  .argument('[spec]', 'spec file (JSON); only what differs from the defaults')
  .description('train and show the progress; Ctrl-C stops and saves, twice ends at once')
  .addOption(setOption())
  .option('--resume <run>', 'resume a stopped or failed run')
  .option('--checkpoint <name>', 'with --resume: an older checkpoint to go on from; newer ones are set aside')
  .option('--detach', 'start it and return; `collie runs list` shows it', false)
  .addOption(trustOption())
  .addOption(judgeOption())
  .action(
    guarded(async (spec, flags) => (await import('./run.ts')).runCommand(spec, { ...flags, json: json() })),
  );

program
  .command('validate')
  .argument('<spec>', 'spec file (JSON)')
  .description('print every problem of a spec as `path: message`, or what it would do')
  .addOption(setOption())
  .action(
    guarded(async (spec, flags) =>
      (await import('./run.ts')).validateCommand(spec, { ...flags, json: json() }),
    ),
  );

program
  .command('plan')
  .argument('<spec>', 'spec file (JSON)')
  .description('list layouts over several devices, the best first, with memory and time of a step')
  .addOption(setOption())
  .option(
    '--devices <number>',
    'ranks to lay out; left out: those of the spec, of one for a single rank all GPUs or cores',
    wholeNumber(1, 1024),
  )
  .action(
    guarded(async (spec, flags) => (await import('./plan.ts')).planCommand(spec, { ...flags, json: json() })),
  );

program
  .command('slurm')
  .argument('<spec>', 'spec file (JSON)')
  .description('print a batch script that trains the spec in a Slurm job')
  .addOption(setOption())
  .option('--nodes <number>', 'hosts that the ranks are spread over', wholeNumber(1, 1024), 1)
  .option('--cpus <number>', "cores of a rank; left out: the spec's threads, or 1", wholeNumber(1, 1024))
  .option('--time <limit>', "most time, in Slurm's words: 2:00:00, 1-0")
  .option('--partition <name>', 'which partition; the default one when left out')
  .action(
    guarded(async (spec, flags) =>
      (await import('./slurm.ts')).slurmCommand(spec, { ...flags, json: json() }),
    ),
  );

program
  .command('export')
  .argument('<run>', 'id of a run')
  .description('write a checkpoint as a PEFT adapter or as a merged Hugging Face model')
  .addOption(new Option('--kind <kind>').choices(exportKindSchema.options).makeOptionMandatory())
  .option('--checkpoint <name>', 'which, or `best` by checkpoint.best_by; the newest when left out', '')
  .option('--out <folder>', 'where to; the folder of the run when left out', '')
  .action(
    guarded(async (run, flags) => (await import('./library.ts')).exportRun(run, { ...flags, json: json() })),
  );

program
  .command('export-metrics')
  .argument('<run>', 'id of a run')
  .description('write all that was measured of a run as CSV or for TensorBoard, and print where')
  .addOption(new Option('--format <format>').choices([...metricsFormats]).default('csv'))
  .option(
    '--out <path>',
    'a new file for CSV, a folder for TensorBoard; the folder of the run when left out',
    '',
  )
  .action(
    guarded(async (run, flags) =>
      (await import('./export-metrics.ts')).exportMetricsCommand(run, flags, json()),
    ),
  );

program
  .command('compare')
  .argument('[runs...]', 'ids of runs; the first is the baseline unless --baseline says otherwise')
  .description('what differs between runs, which is better, and whether that is real')
  .option('--saved <id>', 'a comparison of the library instead of runs')
  .option('--baseline <run>', 'what the others are compared with')
  .option(
    '--group-by <path>',
    'setting that makes a group (repeatable); left out: all but the seed',
    collect,
    [],
  )
  .option('--no-groups', 'every run by itself')
  .option('--rule <rule>', 'last, best, mean:<n>, equal-tokens or equal-time', resultRule, { kind: 'last' })
  .addOption(
    new Option('--record <which>', 'evaluation whose rows are tested')
      .choices(['last', 'best', 'first'])
      .default('last'),
  )
  .addOption(
    new Option('--format <format>', 'text, or a file of its own')
      .choices(['text', 'html', 'markdown', 'csv', 'latex'])
      .default('text'),
  )
  .option('--out <file>', 'where the file goes; standard output when left out')
  .option('--save <name>', 'keep the comparison in the library')
  .option(
    '--examples <n>',
    'show so many evaluated rows that were won by most, and lost, with the outputs of both (text and --json)',
    wholeNumber(0, 100),
    0,
  )
  .action(
    guarded(async (runs, flags) =>
      (await import('./compare.ts')).compareCommand(runs, { ...flags, json: json() }),
    ),
  );

const models = program.command('models').description('the model library');
models.command('list').action(guarded(async () => (await import('./library.ts')).listModels(json())));
models
  .command('import')
  .argument('<path>', 'a Hugging Face folder (used in place) or a .gguf file (converted)')
  .option('--name <name>', 'its name', '')
  .action(guarded(async (path, { name }) => (await import('./library.ts')).importModel(path, name, json())));

models
  .command('fit')
  .argument('<id>', 'of a model in the library')
  .description('what it takes on this machine with each method, and whether that fits')
  .action(guarded(async (id) => (await import('./library.ts')).showModelFit(id, json())));

const datasets = program.command('datasets').description('the dataset library');
datasets.command('list').action(guarded(async () => (await import('./library.ts')).listDatasets(json())));
datasets
  .command('import')
  .argument('<path>', 'a JSONL, JSON, CSV, Parquet, Arrow or text file; gz, zst, bz2 and xz are unpacked')
  .option('--name <name>', 'its name', '')
  .addOption(
    new Option('--encoding <name>', 'of a text file; UTF-16 is detected')
      .choices(['utf-8', 'windows-1252'])
      .default('utf-8'),
  )
  .addOption(
    new Option('--ragged <what>', 'CSV rows with another number of fields than the header')
      .choices(['refuse', 'leave_out'])
      .default('refuse'),
  )
  .addOption(
    new Option('--unusable <what>', 'rows that cannot be trained on, such as those with a blank answer')
      .choices(['keep', 'leave_out'])
      .default('keep'),
  )
  .option('--preview', 'dry run: only say what an import would bring, and its problems', false)
  .action(
    guarded(async (path, flags) =>
      (await import('./library.ts')).importDataset(path, { ...flags, json: json() }),
    ),
  );
datasets
  .command('inspect')
  .argument('<path>', 'a data file, or library:<id>')
  .description('columns, rows, the guessed mapping and, with a model, token counts')
  .option('--model <model>', 'a model of the library or a folder: counts tokens with its tokenizer')
  .option('--seq-len <tokens>', 'count rows longer than this', wholeNumber(8, 131_072), 512)
  .action(
    guarded(async (path, flags) =>
      (await import('./library.ts')).inspectDataset(path, { ...flags, json: json() }),
    ),
  );

const runs = program.command('runs').description('runs of this machine');
runs.command('list').action(guarded(async () => (await import('./library.ts')).listRuns(json())));
runs
  .command('stop')
  .argument('<run>', 'id of a run')
  .description('save a checkpoint and end')
  .action(guarded(async (run) => (await import('./library.ts')).stopRun(run, json())));

const { registerQueue } = await import('./queue-commands.ts');
registerQueue(program, { guarded, json, setOption });
const { registerBench } = await import('./bench.ts');
registerBench(program);
const { registerEvaluation } = await import('./evaluation-commands.ts');
registerEvaluation(program, { guarded, json });
const { registerLive } = await import('./live-commands.ts');
registerLive(program, { guarded, json });
registerTrust(program, 'callbacks', { guarded, json });
registerTrust(program, 'judges', { guarded, json });

await program.parseAsync();
