/** Runs that a comparison knows, without folders; and run folders with everything that a comparison reads. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFacts } from '../../../electron/server/compare/facts.ts';
import { writeJsonAtomic } from '../../../electron/server/runs/folder.ts';
import { newStatus } from '../../../electron/server/runs/rebuild.ts';
import { type ComparisonViewInput, comparisonViewSchema } from '../../../electron/shared/runs/comparison.ts';
import { emptySeries, type RunSeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { type RunSpec, runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { EventScript } from '../../support/event-script.ts';

export interface MadeRun {
  rate?: number | null;
  seed?: number;
  name?: string;
  rank?: number;
  minute?: number;
}

export const specOf = ({ rate = 1e-4, seed = 0, name = 'run', rank = 8 }: MadeRun = {}): RunSpec =>
  runSpecSchema.parse({
    name,
    model: '/models/tiny',
    dataset: {
      train: '/data/rows.jsonl',
      mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
    },
    method: { type: 'lora', rank },
    optimizer: { type: 'adamw', learning_rate: rate },
    seed,
  });

const createdAt = (minute: number) => new Date(Date.UTC(2026, 10, 1, 0, minute)).toISOString();

export function factsOf(id: string, made: MadeRun = {}): RunFacts {
  const name = made.name ?? id;
  return {
    id,
    dir: `/runs/${id}`,
    status: {
      ...newStatus(id, name),
      state: 'completed',
      createdAt: createdAt(made.minute ?? 0),
    },
    spec: specOf({ ...made, name }),
    changes: [],
    environment: {},
    meta: null,
    checkpoints: [],
    adapterBytes: null,
    problem: null,
  };
}

export const viewOf = (input: ComparisonViewInput) => comparisonViewSchema.parse(input);

/** Two learning rates, three seeds each. */
export const sixRuns = (): RunFacts[] =>
  [1e-4, 4e-4].flatMap((rate, k) =>
    [1, 2, 3].map((seed) => factsOf(`r${3 * k + seed}`, { rate, seed, minute: 3 * k + seed })),
  );

/** A series with these losses, one a step, the last of them evaluated too. */
export function seriesOf(losses: readonly number[]): RunSeries {
  const script = new EventScript();
  script.started();
  for (const [k, loss] of losses.entries()) script.step(k + 1, loss);
  script.eval(losses.length, losses.at(-1) ?? 0);
  return reduceEvents(emptySeries, script.events);
}

export interface MadeFolder extends MadeRun {
  losses?: readonly number[];
  /** Losses of the evaluated rows; absent: no record, as of an older version. */
  rows?: readonly number[];
}

/** A completed run below `home`/runs. */
export function writeRun(home: string, id: string, made: MadeFolder = {}): string {
  const dir = join(home, 'runs', id);
  for (const folder of ['events', 'logs', 'checkpoints', 'samples', 'data', 'evaluations'])
    mkdirSync(join(dir, folder), { recursive: true });
  const name = made.name ?? id;
  writeJsonAtomic(join(dir, 'spec.json'), specOf({ ...made, name }));
  const losses = made.losses ?? [2, 1.5, 1];
  const status = { ...newStatus(id, name), state: 'completed', step: losses.length };
  writeJsonAtomic(join(dir, 'status.json'), { ...status, createdAt: createdAt(made.minute ?? 0) });
  writeFileSync(join(dir, 'environment.json'), '{}');
  const script = new EventScript();
  script.started();
  for (const [k, loss] of losses.entries()) script.step(k + 1, loss);
  script.eval(losses.length, losses.at(-1) ?? 0);
  writeFileSync(
    join(dir, 'events/rank-000.jsonl'),
    `${script.events.map((event) => JSON.stringify(event)).join('\n')}\n`,
  );
  if (made.rows) writeRecord(dir, losses.length, made.rows);
  return dir;
}

const hash = (k: number) => k.toString(16).padStart(16, '0');

function writeRecord(dir: string, step: number, losses: readonly number[]): void {
  const about = losses.map((_, k) => ({
    id: hash(k),
    conversation: hash(k),
    tokens_id: hash(k),
    source_row: k,
    tokens: 10 + k,
    answer_bytes: 20,
    messages: [
      { role: 'user', content: `What is ${k}?` },
      { role: 'assistant', content: `It is ${k}.` },
    ],
  }));
  writeFileSync(join(dir, 'data/eval-rows.jsonl'), `${about.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const mean = losses.reduce((a, b) => a + b, 0) / losses.length;
  const head = { v: 1, step, rows: losses.length, loss: mean, target_tokens: losses.length * 5 };
  const file = join(dir, `evaluations/step-${String(step).padStart(8, '0')}.jsonl`);
  writeFileSync(file, `${JSON.stringify(head)}\n`);
  for (const [row, loss] of losses.entries())
    appendFileSync(
      file,
      `${JSON.stringify({ row, loss: loss * 5, targets: 5, correct: loss < 1 ? 5 : 2 })}\n`,
    );
}
