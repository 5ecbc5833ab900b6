/** The arguments of `collie bench generate`, and what it prints. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { STARTER_MODEL_ID } from '../../server/models/starter.ts';
import { wholeNumber } from '../options.ts';
import { exitCodes, printError, printJson } from '../output.ts';
import { withHost } from '../session.ts';
import { benchGenerate, type GenerateOptions, lineOf } from './generate.ts';
import { describeMachine } from './report.ts';

const count = wholeNumber(1, 1_000_000);

export function registerGenerate(bench: Command, program: Command): void {
  bench
    .command('generate')
    .description(
      'Greedy answers of a model that was imported from a GGUF file, against llama.cpp: speed alone and of several answers at once',
    )
    .option('--model <id>', 'of the model library', STARTER_MODEL_ID)
    .option('--tokens <n>', 'new tokens of each of the eight answers', count, 128)
    .option('--rounds <n>', 'rounds; each contestant runs once per round', count, 3)
    .option('--threads <n>', 'threads of each process', count, availableParallelism())
    .action(async ({ model, ...options }: GenerateOptions & { model: string }) => {
      const json = program.opts<{ json?: boolean }>().json ?? false;
      const say = (text: string) => void process.stderr.write(`${text}\n`);
      try {
        const results = await withHost(async ({ services }) =>
          benchGenerate(await services.models.get(model), options, say),
        );
        if (json) printJson({ machine: describeMachine(), ...options, results });
        else process.stdout.write(`${results.map(lineOf).join('\n')}\n`);
      } catch (thrown) {
        printError(thrown, json);
        process.exitCode = exitCodes.failed;
      }
    });
}
