/** The per-example record: what each evaluated row lost, the same under every layout, and which records a run keeps. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type EvaluatedRow,
  type EvaluationHead,
  evaluatedRowSchema,
  evaluationHeadSchema,
} from '../../electron/shared/runs/evaluation-rows.ts';
import type { RunSpec } from '../../electron/shared/spec/run-spec.ts';
import { mpirunEnvironment, noMpi } from '../support/mpirun.ts';
import {
  countingDocuments,
  layOut,
  noEngine,
  payloads,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from './support.ts';

const ROWS = 7;
const settings = {
  batch: { micro_batch_size: 1, grad_accum_steps: 4, seq_len: 64 },
  evaluation: { every_steps: 2 },
  duration: { unit: 'steps', value: 6 },
} as const;

interface Found {
  name: string;
  head: EvaluationHead;
  rows: EvaluatedRow[];
}

function records(run: string): Found[] {
  const folder = join(run, 'evaluations');
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const [head, ...rows] = readFileSync(join(folder, name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      return {
        name,
        head: evaluationHeadSchema.parse(head),
        rows: rows.map((row) => evaluatedRowSchema.parse(row)),
      };
    });
}

const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);

describe.skipIf(noEngine)('the per-example record', () => {
  const root = temporaryFolder();
  const make = (spec = {}) => tinyRun(root, { ...settings, ...spec }, countingDocuments(ROWS, 9));

  it('adds up to the evaluation that the events tell of; first, best and last are kept', async () => {
    const run = make();
    const events = payloads(await trainToEnd(run), 'eval');
    expect(events.map(({ step }) => step)).toEqual([0, 2, 4, 6]);
    const found = records(run);
    const losses = new Map(events.map(({ step }, k) => [step, lossOf(events[k])]));
    const best = [...losses].reduce((a, b) => (b[1] < a[1] ? b : a))[0];
    expect(found.map(({ head }) => head.step)).toEqual([...new Set([0, best, 6])].sort((a, b) => a - b));
    for (const { head, rows } of found) {
      expect(rows.map(({ row }) => row)).toEqual([...Array(ROWS).keys()]);
      const targets = sum(rows.map((row) => row.targets));
      expect(head).toMatchObject({ rows: ROWS, target_tokens: targets });
      expect(sum(rows.map((row) => row.loss)) / targets).toBeCloseTo(head.loss, 12);
      expect(head.loss).toBe(losses.get(head.step));
      for (const row of rows) expect(row.correct).toBeLessThanOrEqual(row.targets);
    }
  });

  it.skipIf(noMpi).each<[string, Partial<RunSpec['parallel']>]>([
    ['dp 2, ZeRO 3', { dp_size: 2, zero_stage: 3 }],
    ['tp 2, sequence parallelism', { tp_size: 2, sequence_parallel: true }],
    ['pp 2 x dp 2', { pp_size: 2, dp_size: 2 }],
  ])('has every row once under %s, with the losses of one rank', async (_, layout) => {
    Object.assign(process.env, mpirunEnvironment);
    const [one, several] = [make(), make()];
    layOut(several, layout);
    await trainToEnd(one);
    await trainToEnd(several);
    const [expected, received] = [records(one)[0], records(several)[0]];
    expect(received?.rows.map(({ row, targets }) => [row, targets])).toEqual(
      expected?.rows.map(({ row, targets }) => [row, targets]),
    );
    for (const [k, row] of (received?.rows ?? []).entries())
      expect(Math.abs(row.loss / (expected?.rows[k]?.loss ?? 0) - 1)).toBeLessThan(1e-4);
  });

  it('forgets what lies beyond the checkpoint that a resume goes on from', async () => {
    const run = make({ checkpoint: { every_steps: 2, keep: 9 } });
    await trainToEnd(run);
    await trainToEnd(run, 'step-00000002');
    expect(records(run).map(({ head }) => head.step)).toEqual([0, 6]);
  });
});

/** `metrics` of newer events, or the field itself. */
function lossOf(event: unknown): number {
  const { payload } = event as { payload: { loss?: number; metrics?: { loss: number } } };
  return payload.metrics?.loss ?? (payload.loss as number);
}
