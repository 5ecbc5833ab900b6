/** A sweep before it is queued: read, expanded, and every point checked as a run of its own would be. */
import { z } from 'zod';
import { CollieError } from '../../shared/errors.ts';
import type { QueueEntry } from '../../shared/runs/queue.ts';
import { runKey, type SweepRun } from '../../shared/runs/sweep-record.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { expandSweep, type Sweep, sweepSchema } from '../../shared/spec/sweep.ts';
import type { SweepPreview } from '../../shared/spec/sweep-preview.ts';
import type { Validated } from '../spec/service.ts';

/** Throws spec.invalid, naming the part of the sweep that is wrong. */
export function readSweep(input: unknown): Sweep {
  const result = sweepSchema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({
    path: path.join('.'),
    ...{ code: 'invalid', message, received: undefined, suggestion: '' },
  }));
  const first = issues[0];
  throw new CollieError(
    'spec.invalid',
    `The sweep cannot be read: ${first?.path || 'sweep'}: ${first?.message}.`,
    'docs/queue.md says what a sweep holds.',
    { issues },
  );
}

/**
 * A sweep that is there as it shall be: what `input` leaves out stays as it is, null takes a rule away. It keeps its spec: runs of one sweep differ in
 * what it says that they differ in. Throws as readSweep.
 */
export function changedSweep(definition: unknown, input: unknown): Sweep {
  const before = readSweep(definition);
  return { ...readSweep({ ...before, ...Object(input) }), name: before.name, spec: before.spec };
}

export interface CheckedSweep {
  preview: SweepPreview;
  /** Of the points without issues, in order: all seeds of a point one after another. */
  runs: CheckedRun[];
}

export interface CheckedRun extends SweepRunFacts {
  spec: RunSpec;
  forecast: QueueEntry['forecast'];
}

type SweepRunFacts = Pick<SweepRun, 'values' | 'seed'>;

/** Seeds of a point differ in nothing that is checked: the first stands for all. `present`: runs that are not made again. */
export async function checkSweep(
  sweep: Sweep,
  validate: (spec: unknown) => Promise<Validated>,
  present: readonly SweepRunFacts[] = [],
): Promise<CheckedSweep> {
  const known = new Set(present.map(({ values, seed }) => runKey(values, seed)));
  const { points, duplicates, excluded } = expandSweep(sweep);
  const checked: SweepPreview['points'] = [];
  const runs: CheckedRun[] = [];
  let there = 0;
  for (const { values, again, specs: all } of points) {
    const specs = all.filter(({ seed }) => !known.has(runKey(values, seedOf(sweep, seed))));
    there += all.length - specs.length;
    if (specs.length === 0) continue;
    const { issues, resolved, preview } = await validate(specs[0]);
    const seconds = preview?.time.seconds ?? null;
    const memoryBytes = preview?.memory.totalBytes ?? null;
    checked.push({ values: { ...values }, again, runs: specs.length, issues, seconds, memoryBytes });
    if (resolved)
      for (const { seed = resolved.seed, name } of specs)
        runs.push({
          values: { ...values },
          seed: seedOf(sweep, seed),
          spec: { ...resolved, seed: z.number().parse(seed), name: z.string().parse(name) },
          forecast: { seconds, memoryBytes },
        });
  }
  return { preview: { points: checked, duplicates, excluded, present: there, ...totals(runs) }, runs };
}

/** null: the sweep has no seeds of its own. */
const seedOf = ({ seeds }: Sweep, seed: unknown): number | null =>
  seeds === null ? null : z.number().parse(seed);

function totals(runs: CheckedSweep['runs']): Pick<SweepPreview, 'runs' | 'totalSeconds' | 'mostMemoryBytes'> {
  const seconds = runs.map(({ forecast }) => forecast.seconds);
  const memory = runs.flatMap(({ forecast }) => forecast.memoryBytes ?? []);
  return {
    runs: runs.length,
    totalSeconds: seconds.some((one) => one === null)
      ? null
      : seconds.reduce<number>((sum, one) => sum + Number(one), 0),
    mostMemoryBytes: memory.length === 0 ? null : Math.max(...memory),
  };
}
