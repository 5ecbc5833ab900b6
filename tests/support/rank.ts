/** Runs collie-rank on hand-made run folders. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { readEvent } from '../../electron/shared/runs/event-line.ts';
import type { RunEvent } from '../../electron/shared/runs/events.ts';
import { type RunSpecInput, runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { type TokenDocument, writeTokenStore } from './token-store.ts';

/** Runs a command to its end; throws with what it wrote on standard error when it fails. */
export function rank(...args: string[]): string {
  const result = spawnSync(rankExecutable(), args, {
    encoding: 'utf8',
    input: undefined,
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0)
    throw new Error(
      `collie-rank ${args.join(' ')} ended with ${result.status}:\n${result.stderr}${result.error ?? ''}`,
    );
  return result.stdout;
}

export type SpecPatch = Partial<Omit<RunSpecInput, 'model' | 'dataset'>>;

/** Makes a run folder with a resolved spec and a token store; what a supervisor does before it starts a rank. */
export function makeRun(
  folder: string,
  model: string,
  spec: SpecPatch,
  train: TokenDocument[],
  evaluation: TokenDocument[] = [],
): string {
  for (const name of ['data', 'events', 'logs', 'checkpoints', 'samples'])
    mkdirSync(join(folder, name), { recursive: true });
  writeTokenStore(join(folder, 'data'), 'train', train);
  if (evaluation.length > 0) writeTokenStore(join(folder, 'data'), 'eval', evaluation);
  writeFileSync(join(folder, 'data/samples.json'), '[]\n');
  const resolved = runSpecSchema.parse({
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
    ...spec,
    model,
    dataset: {
      train: join(folder, 'tokens-come-from-the-store'),
      eval_fraction: 0,
      mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
    },
  });
  writeFileSync(join(folder, 'spec.json'), `${JSON.stringify(resolved, null, 2)}\n`);
  return folder;
}

export function readEvents(run: string): RunEvent[] {
  return eventsOf(readFileSync(join(run, 'events/rank-000.jsonl'), 'utf8'));
}

/** Every line must be an event. */
export const eventsOf = (text: string): RunEvent[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const event = readEvent(line);
      if (!event) throw new Error(`no event: ${line}`);
      return event;
    });

/** Trains to the end. Standard input stays open meanwhile, as its end would mean stop. */
export function train(run: string): Promise<RunEvent[]> {
  const child = spawn(rankExecutable(), ['train', '--run', run], { stdio: ['pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(readEvents(run));
      else reject(new Error(`collie-rank train ended with ${code}:\n${errors}`));
    });
  });
}
