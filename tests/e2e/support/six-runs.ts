/** The story of a comparison: two learning rates, three seeds each, trained one after another from the command line. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sumRows } from './data.ts';
import { cliCommand, type Home, hostEnvironment } from './host.ts';

const run = promisify(execFile);

export interface SixRuns {
  /** The low rate's runs, then the high one's, each in the order of the seeds. */
  ids: string[];
  rates: readonly [number, number];
}

export interface SixWish {
  /** The model: a folder, or `library:<id>`. */
  model: string;
  rates: readonly [number, number];
  rows: number;
  steps: number;
  seqLen: number;
}

/** `collie`, as a user would call it; returns what it printed. */
export async function collie(home: Home, args: readonly string[]): Promise<string> {
  const [program, ...rest] = [process.execPath, ...cliCommand(), ...args] as [string, ...string[]];
  const { stdout } = await run(program, rest, { env: hostEnvironment(home), maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

export async function trainSix(home: Home, { model, rates, rows, steps, seqLen }: SixWish): Promise<SixRuns> {
  mkdirSync(home.user, { recursive: true });
  const data = join(home.user, 'six-sums.jsonl');
  writeFileSync(data, sumRows(rows));
  const ids: string[] = [];
  for (const rate of rates)
    for (const seed of [1, 2, 3]) {
      const spec = {
        name: `Rate ${rate}, seed ${seed}`,
        model,
        dataset: {
          train: data,
          mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
          eval_fraction: 0.25,
        },
        method: { type: 'lora', rank: 4 },
        optimizer: { type: 'adamw', learning_rate: rate },
        batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: seqLen },
        duration: { unit: 'steps', value: steps },
        evaluation: { every_steps: Math.ceil(steps / 2) },
        sampling: { prompts: ['What is 1 plus 2?', 'What is 3 plus 4?'], max_new_tokens: 8 },
        seed,
      };
      const file = join(home.user, 'six.json');
      writeFileSync(file, JSON.stringify(spec));
      const { id } = JSON.parse(await collie(home, ['--json', 'run', file])) as { id: string };
      ids.push(id);
    }
  return { ids, rates };
}
