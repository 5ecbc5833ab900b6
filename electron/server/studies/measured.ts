/** What a run of a study has measured, read from its folder. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SET, readEvent } from '../../shared/runs/event-line.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import type { SweepRun } from '../../shared/runs/sweep-record.ts';
import { worldSize } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { ANSWERS_SET } from '../../shared/spec/study.ts';
import { readEntry } from '../queue/store.ts';
import type { RunRegistry } from '../runs/registry.ts';

export interface StudyRunMeasured {
  run: SweepRun;
  status: RunStatus;
  spec: RunSpec;
  ranks: number;
  totalParams: number | null;
  trainableParams: number | null;
  /** Of all ranks together: on a CPU they share its memory. */
  peakBytes: number | null;
  forecastBytes: number | null;
  /** Real tokens a second of all ranks, the first step left out: the median. */
  tokensPerSecond: number | null;
  /** Share of a step that ranks wait for pipeline neighbours, mean over ranks and steps. */
  waiting: number | null;
  /** Of a rank and step, mean over both, the first step left out; null: not counted. */
  sentBytes: number | null;
  evalLoss: number | null;
  /** Of the weights as they were before the first step. */
  untrainedLoss: number | null;
  /** Share of the answers whose number is right, after training and before; null: none were asked for. */
  numberMatch: number | null;
  untrainedMatch: number | null;
  trainSeconds: number | null;
}

/** Runs that are gone are left out. */
export function measuredRuns(runs: readonly SweepRun[], registry: RunRegistry): StudyRunMeasured[] {
  return runs.flatMap((run) => {
    try {
      return [measured(run, registry)];
    } catch {
      return [];
    }
  });
}

const median = (values: readonly number[]): number | null =>
  values.length === 0 ? null : ([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null);
const numbers = (values: readonly (number | null | undefined)[]) =>
  values.filter((value): value is number => typeof value === 'number');

function measured(run: SweepRun, registry: RunRegistry): StudyRunMeasured {
  const dir = registry.dir(run.id);
  const spec = registry.spec(run.id);
  const ranks = worldSize(spec.parallel);
  const status = registry.status(run.id);
  const events = Array.from({ length: ranks }, (_, rank) => eventsOf(join(dir, eventsFile(rank))));
  const first = events[0] ?? [];
  const started = first.findLast(({ type }) => type === 'started');
  const steps = first.flatMap((event) => (event.type === 'step' ? [event] : []));
  const parts = events.flatMap((all) => all.flatMap((event) => (event.type === 'rank_step' ? [event] : [])));
  const settled = parts
    .filter(({ step }) => step > 1)
    .map(({ payload }) => payload.wait_seconds / payload.step_seconds);
  const sent = numbers(parts.filter(({ step }) => step > 1).map(({ payload }) => payload.sent_bytes));
  const evaluated = (set: string, metric: string) =>
    numbers(
      first.map((event) =>
        event.type === 'eval' && event.payload.set === set ? event.payload.metrics[metric] : null,
      ),
    );
  const matches = evaluated(ANSWERS_SET, 'number_match');
  const peakOf = (rank: number) =>
    Math.max(...parts.filter((event) => event.rank === rank).map(({ payload }) => payload.memory_peak_bytes));
  const peaks = Array.from({ length: ranks }, (_, rank) => peakOf(rank));
  const single = Math.max(0, ...numbers(steps.map(({ payload }) => payload.metrics.memory_peak_bytes)));
  const all = peaks.every(Number.isFinite) ? peaks.reduce((a, b) => a + b, 0) : single;
  return {
    ...{ run, status, spec, ranks },
    totalParams: started?.type === 'started' ? started.payload.total_params : null,
    trainableParams: started?.type === 'started' ? started.payload.trainable_params : null,
    peakBytes: all > 0 ? all : null,
    forecastBytes: readEntry(dir)?.forecast.memoryBytes ?? null,
    tokensPerSecond: median(
      numbers(steps.filter(({ step }) => step > 1).map(({ payload }) => payload.metrics.tokens_per_second)),
    ),
    waiting: settled.length === 0 ? null : settled.reduce((a, b) => a + b, 0) / settled.length,
    sentBytes: sent.length === 0 ? null : sent.reduce((a, b) => a + b, 0) / sent.length,
    evalLoss: status.lastEvalLoss,
    untrainedLoss: evaluated(DEFAULT_SET, 'loss')[0] ?? null,
    ...{ numberMatch: matches.at(-1) ?? null, untrainedMatch: matches[0] ?? null },
    trainSeconds:
      steps.length === 0
        ? null
        : numbers(steps.map(({ payload }) => payload.metrics.step_seconds)).reduce((a, b) => a + b, 0),
  };
}

function eventsOf(path: string) {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : (readEvent(line) ?? [])));
}
