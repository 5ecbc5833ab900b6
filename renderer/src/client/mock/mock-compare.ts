/** The mock host's comparison: the runs asked for as groups of one, with a made-up verdict. */
import { CollieError } from '../../../../electron/shared/errors.ts';
import type {
  ComparisonReport,
  ComparisonView,
  SavedComparison,
} from '../../../../electron/shared/runs/comparison.ts';
import type { Handlers } from './mock-client.ts';
import { mockExample, mockExamples } from './mock-compare-rows.ts';
import { mockRuns } from './mock-runs.ts';

const saved = new Map<string, SavedComparison>();

function report(view: ComparisonView): ComparisonReport {
  const runs = mockRuns.filter(({ id }) => view.runs.includes(id));
  const baseline = Math.max(
    0,
    runs.findIndex(({ id }) => id === view.baseline),
  );
  return {
    view,
    rule: 'Results are the last value of each run.',
    runs: runs.map(({ id, name, state, step, totalSteps, createdAt }) => ({
      id,
      name,
      state,
      step,
      totalSteps,
      createdAt,
      seed: 0,
      problem: null,
      lineage: [],
    })),
    groups: runs.map(({ id, name }, k) => ({
      key: id,
      title: name,
      runs: [id],
      baseline: k === baseline,
      pinned: view.pinned.includes(id),
      changes: k === baseline ? [] : ['Learning rate 0.0004'],
    })),
    settings: [
      {
        section: 'Optimizer',
        path: 'optimizer.learning_rate',
        title: 'Learning rate',
        values: runs.map((_, k) => String(2e-4 * (k + 1))),
        differs: runs.length > 1,
      },
      {
        section: 'General',
        path: 'precision',
        title: 'Precision',
        values: runs.map(() => 'bf16'),
        differs: false,
      },
    ],
    results: [
      {
        metric: 'loss',
        source: 'eval',
        title: 'Loss (evaluation)',
        unit: 'nats',
        better: 'lower',
        kind: 'quality',
        values: runs.map((_, k) => ({
          mean: 1.2 - 0.1 * k,
          sd: null,
          n: 1,
          delta: k === baseline ? null : 0.1 * (baseline - k),
          better: k === baseline ? null : k > baseline,
        })),
      },
    ],
    environment: [],
    warnings: [],
    missing: view.runs.filter((id) => !runs.some((run) => run.id === id)),
  };
}

const mockTest = {
  metric: 'number_match',
  title: 'Number match',
  unit: 'share',
  better: 'higher' as const,
  outcome: 'worse' as const,
  difference: -0.5,
  low: -0.9,
  high: -0.1,
  p: 0.01,
  adjusted: 0.01,
  detectable: null,
  test: 'exact McNemar test: 0 with 1 only for the candidate, 1 only for the baseline',
  seeds: null,
};

export const mockCompare: Pick<Handlers, Extract<keyof Handlers, `compare.${string}`>> = {
  'compare.report': ({ view }) => report(view),
  'compare.verdicts': ({ view }) =>
    report(view)
      .groups.filter((group) => !group.baseline)
      .flatMap(({ key }) => [
        {
          candidate: key,
          set: 'eval',
          outcome: 'better' as const,
          sentence:
            'Better: its loss is 0.1 nats lower on 60 rows (95 % interval -0.15 to -0.05, p = 0.001).',
          notes: ['Seed noise unknown: one of the two was trained once. Two more seeds of each would tell.'],
          rows: 60,
          conversations: 60,
          tests: [],
          seedNoise: 'unknown' as const,
        },
        {
          candidate: key,
          set: 'sums',
          outcome: 'worse' as const,
          sentence:
            'Worse: its number match is 50 percentage points lower on 2 rows (95 % interval -90 to -10, p = 0.01).',
          notes: [],
          rows: 2,
          conversations: 2,
          tests: [mockTest],
          seedNoise: 'unknown' as const,
        },
      ]),
  'compare.examples': ({ set, metric }) => mockExamples(set, metric),
  'compare.example': ({ view, candidate, set, id }) => mockExample(view.runs[0] ?? '', candidate, set, id),
  'compare.summaries': () => [],
  'compare.data': () => ({ rows: [], notes: ['Both were trained on the same rows.'] }),
  'compare.curves': ({ view: { runs } }) => {
    const losses = (k: number) => [2, 1.5 - 0.1 * k, 1.2 - 0.1 * k];
    const x = [0, 1, 2];
    return {
      runs: runs.map((id, k) => ({ id, points: 3, x, y: losses(k) })),
      x,
      groups: runs.map((key, k) => ({ key, n: 1, mean: losses(k), low: null, high: null })),
      extent: runs.length > 0 ? [0, 2] : null,
    };
  },
  'compare.table': ({ view }) => ({
    columns: [
      {
        key: 'optimizer.learning_rate',
        title: 'Learning rate',
        kind: 'setting',
        unit: '',
        better: null,
        numeric: true,
      },
      {
        key: 'eval/loss',
        title: 'Loss (evaluation)',
        kind: 'result',
        unit: 'nats',
        better: 'lower',
        numeric: true,
      },
    ],
    rows: view.runs.map((id, k) => ({ id, group: id, values: [2e-4 * (k + 1), 1.2 - 0.1 * k] })),
  }),
  'compare.vote': ({ won, lost }) => ({ p: won === lost ? 1 : 0.5 }),
  'compare.importance': () => ({
    runs: 0,
    warning: 'Importance needs at least four runs that differ in a setting and in the result.',
    settings: [],
  }),
  'compare.export': ({ name, format }) => ({ name: `${name}.${format}`, text: name }),
  'compare.list': () => [...saved.values()],
  'compare.get': ({ id }) => {
    const found = saved.get(id);
    if (!found) throw new CollieError('request.invalid', `There is no saved comparison ${id}.`);
    return found;
  },
  'compare.save': ({ id, name, view }) => {
    const now = new Date().toISOString();
    const one: SavedComparison = {
      v: 1,
      id: id ?? `c${saved.size + 1}`,
      name,
      createdAt: now,
      updatedAt: now,
      view,
    };
    saved.set(one.id, one);
    return one;
  },
  'compare.remove': ({ id }) => {
    saved.delete(id);
    return {};
  },
};
