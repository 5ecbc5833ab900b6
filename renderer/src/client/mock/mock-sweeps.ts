/** The mock host's sweeps: one over two learning rates, which grows as the real one does. */
import { runKey, type SweepBudget, type SweepRecord } from '../../../../electron/shared/runs/sweep-record.ts';
import { expandSweep, type Sweep, sweepSchema } from '../../../../electron/shared/spec/sweep.ts';
import type { Handlers } from './mock-client.ts';

const HOUR = 3600;
const RATE = 'optimizer.learning_rate';

const first: Sweep = sweepSchema.parse({
  name: 'Rates',
  spec: { model: 'library:smollm2-135m-instruct', method: { type: 'lora' }, optimizer: { type: 'adamw' } },
  settings: { [RATE]: { values: [1e-4, 4e-4] } },
  budget: { hours: 12, tokens: 600_000 },
});

/** As if a third of it were spent. */
function budgetOf({ definition }: SweepRecord): SweepBudget | null {
  const { budget } = Object(definition) as Sweep;
  if (!budget) return null;
  const spent = { hours: (budget.hours ?? 3) / 3, tokens: Math.round((budget.tokens ?? 30_000) / 3) };
  return { ...budget, spent, over: false };
}

type Queue = (names: readonly string[]) => string[];

/** For the page without a host. Tests begin without any. */
export const shownSweeps: readonly SweepRecord[] = [
  {
    ...{ v: 1, id: 'sweep-rates', kind: 'sweep', name: 'Rates', createdAt: '2026-11-21T10:00:00.000Z' },
    ...{ definition: first, additions: [] },
    runs: ['run-adalora', 'run-sophia'].map((id, k) => ({
      id,
      values: { [RATE]: [1e-4, 4e-4][k] },
      seed: null,
    })),
  },
];

/** `queueRuns`: puts runs of these names in line and gives their ids. */
export function mockSweeps(
  queueRuns: Queue,
  before: readonly SweepRecord[] = [],
): Pick<Handlers, Extract<keyof Handlers, `sweeps.${string}`>> {
  let sweeps: SweepRecord[] = [...before];
  const get = (id: string) => {
    const found = sweeps.find((sweep) => sweep.id === id);
    if (!found) throw new Error(`no mock sweep ${id}`);
    return found;
  };
  const newRuns = (sweep: Sweep, record: SweepRecord | null) => {
    const known = new Set(record?.runs.map(({ values, seed }) => runKey(values, seed)));
    return expandSweep(sweep).points.flatMap(({ values, specs }) =>
      specs
        .map(({ name }, k) => ({ values: { ...values }, seed: sweep.seeds?.[k] ?? null, name: String(name) }))
        .filter((one) => !known.has(runKey(one.values, one.seed))),
    );
  };
  const queued = (runs: ReturnType<typeof newRuns>) => {
    const ids = queueRuns(runs.map(({ name }) => name));
    return runs.map(({ values, seed }, k) => ({ id: ids[k] ?? '', values, seed }));
  };
  return {
    'sweeps.list': () => sweeps.map((sweep) => ({ ...sweep, budget: budgetOf(sweep) })),
    'sweeps.get': ({ id }) => get(id),
    'sweeps.preview': ({ sweep: input, of }) => {
      const sweep = sweepSchema.parse(input);
      const { points, duplicates, excluded } = expandSweep(sweep);
      const fresh = newRuns(sweep, of === null ? null : get(of));
      const all = points.reduce((sum, { specs }) => sum + specs.length, 0);
      const countOf = (values: unknown) =>
        fresh.filter((one) => JSON.stringify(one.values) === JSON.stringify(values)).length;
      return {
        points: points.flatMap(({ values, again }) => {
          const runs = countOf(values);
          return runs === 0
            ? []
            : [{ values: { ...values }, again, runs, issues: [], seconds: HOUR, memoryBytes: 2.1e9 }];
        }),
        ...{ duplicates, excluded, present: all - fresh.length, runs: fresh.length },
        ...{ totalSeconds: fresh.length * HOUR, mostMemoryBytes: fresh.length > 0 ? 2.1e9 : null },
      };
    },
    'sweeps.add': ({ sweep: input }) => {
      const sweep = sweepSchema.parse(input);
      const id = `sweep-${sweeps.length + 1}`;
      const runs = queued(newRuns(sweep, null));
      const createdAt = '2026-11-23T10:00:00.000Z';
      const record = {
        v: 1,
        id,
        kind: 'sweep',
        name: sweep.name,
        createdAt,
        definition: sweep,
        runs,
        additions: [],
      } as const;
      sweeps = [{ ...record, additions: [] }, ...sweeps];
      return { id, ids: runs.map((run) => run.id) };
    },
    'sweeps.extend': ({ id, sweep: input }) => {
      const sweep = sweepSchema.parse(input);
      const added = queued(newRuns(sweep, get(id)));
      sweeps = sweeps.map((one) =>
        one.id === id ? { ...one, definition: sweep, runs: [...one.runs, ...added] } : one,
      );
      return { ids: added.map((run) => run.id) };
    },
    'sweeps.remove': ({ id }) => {
      sweeps = sweeps.filter((one) => one.id !== id);
      return {};
    },
  };
}
