/** What a run's result is under each rule, and groups of them beside the baseline. */
import { describe, expect, it } from 'vitest';
import {
  cellOf,
  limitOf,
  phaseSeconds,
  resultOf,
  resultRows,
  ruleText,
} from '../../../electron/server/compare/results.ts';
import { groupsOf } from '../../../electron/server/compare/settings.ts';
import { runTable } from '../../../electron/server/compare/table.ts';
import type { ResultRule } from '../../../electron/shared/runs/comparison.ts';
import { metricInfo } from '../../../electron/shared/runs/metrics.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { EventScript } from '../../support/event-script.ts';
import { factsOf, seriesOf, sixRuns, viewOf } from './support.ts';

const loss = metricInfo('loss');
const result = (losses: number[], rule: ResultRule, others: number[][] = []) => {
  const all = [losses, ...others].map(seriesOf);
  return resultOf((all[0] ?? emptySeries).steps, loss, rule, limitOf(rule, all));
};

describe('a result', () => {
  it('follows the rule', () => {
    const losses = [3, 1, 2, 4];
    expect(result(losses, { kind: 'last' })).toBe(4);
    expect(result(losses, { kind: 'best' })).toBe(1);
    expect(result(losses, { kind: 'mean_last', count: 2 })).toBe(3);
    // The other run had half of the tokens.
    expect(result(losses, { kind: 'equal_tokens' }, [[5, 5]])).toBe(1);
    expect(result(losses, { kind: 'equal_time' }, [[5, 5, 5]])).toBe(2);
  });

  it('is the last that is a number, and none where there is none', () => {
    expect(result([3, 2, Number.NaN], { kind: 'last' })).toBe(2);
    expect(result([], { kind: 'last' })).toBeNull();
    expect(
      resultOf(seriesOf([1]).steps, metricInfo('no such'), { kind: 'best' }, { tokens: 1, seconds: 1 }),
    ).toBeNull();
  });

  it('best is the last where neither way is better', () => {
    const { steps } = seriesOf([1, 2]);
    const norm = metricInfo('grad_norm');
    expect(resultOf(steps, norm, { kind: 'best' }, limitOf({ kind: 'best' }, []))).toBe(1.5);
  });

  it('says its rule in words', () => {
    const limit = { tokens: 1000, seconds: 2.4 };
    expect(ruleText({ kind: 'equal_tokens' }, limit)).toContain('1000 tokens');
    expect(ruleText({ kind: 'equal_time' }, limit)).toContain('2 s');
  });
});

describe('rows of results', () => {
  const source = (losses: number[]) => ({
    series: seriesOf(losses),
    checkpointBytes: 1000,
    adapterBytes: 400,
  });
  const groups = [[source([2, 1.2]), source([2, 1.4])], [source([2, 1])]];
  const rows = resultRows(groups, 0, { kind: 'last' }, limitOf({ kind: 'last' }, []));

  it('have mean, spread and the difference in the direction that is better', () => {
    const row = rows.find(({ metric, source: from }) => metric === 'loss' && from === 'eval');
    expect(row?.title).toBe('Loss (evaluation)');
    expect(row?.values[0]).toMatchObject({ n: 2, delta: null, better: null });
    expect(row?.values[0]?.mean).toBeCloseTo(1.3, 12);
    expect(row?.values[0]?.sd).toBeCloseTo(Math.SQRT2 / 10, 12);
    expect(row?.values[1]).toMatchObject({ n: 1, sd: null, better: true });
    expect(row?.values[1]?.delta).toBeCloseTo(-0.3, 12);
  });

  it('hold cost apart, what no metric says among it', () => {
    const costs = rows.filter(({ kind }) => kind === 'cost').map(({ metric }) => metric);
    expect(costs).toEqual(
      expect.arrayContaining([
        'tokens_per_second',
        'train_seconds',
        'peak_memory',
        'adapter_bytes',
        'checkpoint_bytes',
      ]),
    );
    expect(rows.find(({ metric }) => metric === 'train_tokens')?.values.map((cell) => cell?.mean)).toEqual([
      2000, 2000,
    ]);
  });

  it('are none where no run has measured anything', () => {
    const nothing = { series: emptySeries, checkpointBytes: null, adapterBytes: null };
    expect(resultRows([[nothing], [nothing]], 0, { kind: 'last' }, limitOf({ kind: 'last' }, []))).toEqual(
      [],
    );
  });

  it('leave a cell empty where a group lacks the metric', () => {
    const with_ = { series: seriesOf([1]), checkpointBytes: null, adapterBytes: null };
    const row = resultRows(
      [[with_], [{ series: emptySeries, checkpointBytes: null, adapterBytes: null }]],
      0,
      { kind: 'last' },
      limitOf({ kind: 'last' }, []),
    )[0];
    expect(row?.values[1]).toBeNull();
  });
});

it('a cell without values is none', () => expect(cellOf([null, null])).toBeNull());

it('time by phase is what passed until the next one began', () => {
  const script = new EventScript();
  script.started();
  script.phase('loading_model');
  script.wait(3);
  script.phase('training');
  script.wait(10);
  script.phase('evaluating');
  script.wait(2);
  script.phase('training');
  script.wait(5);
  script.phase('finishing');
  const seconds = phaseSeconds(reduceEvents(emptySeries, script.events));
  expect(Object.fromEntries([...seconds].map(([name, value]) => [name, Math.round(value)]))).toEqual({
    loading_model: 3,
    training: 15,
    evaluating: 2,
    finishing: 0,
  });
});

it('the table has a row for each run, with the settings that differ, as numbers where they are', () => {
  const runs = sixRuns();
  const groups = groupsOf(runs, viewOf({ runs: [] }));
  const sources = new Map(
    runs.map(({ id }, k) => [
      id,
      { series: seriesOf([2, 1 + k / 10]), checkpointBytes: null, adapterBytes: null },
    ]),
  );
  const { columns, rows } = runTable(groups, sources, { kind: 'last' }, limitOf({ kind: 'last' }, []));
  const at = (key: string) => columns.findIndex((column) => column.key === key);
  expect(columns.filter(({ kind }) => kind === 'setting').map(({ key }) => key)).toEqual([
    'optimizer.learning_rate',
    'seed',
  ]);
  expect(
    rows.map(({ group, values }) => [group, values[at('optimizer.learning_rate')], values[at('seed')]]),
  ).toEqual([
    ['r1', 1e-4, 1],
    ['r1', 1e-4, 2],
    ['r1', 1e-4, 3],
    ['r4', 4e-4, 1],
    ['r4', 4e-4, 2],
    ['r4', 4e-4, 3],
  ]);
  expect(rows[5]?.values[at('eval/loss')]).toBe(1.5);
  expect(columns[at('eval/loss')]).toMatchObject({ kind: 'result', better: 'lower', numeric: true });
  expect(
    runTable(
      groupsOf([factsOf('a')], viewOf({ runs: [] })),
      new Map([['a', { series: emptySeries, checkpointBytes: null, adapterBytes: null }]]),
      { kind: 'last' },
      limitOf({ kind: 'last' }, []),
    ).columns,
  ).toEqual([]);
});

it('what was measured of the machine is a cost, never quality; single ranks and GPUs are left out', () => {
  const run = (energy: number) => {
    const script = new EventScript();
    script.started();
    script.step(1, 2);
    script.monitored(1, { energy_kwh: energy, cpu_share: 0.5, 'gpu_util/gpu-1': 0.9 });
    return { series: reduceEvents(emptySeries, script.events), checkpointBytes: null, adapterBytes: null };
  };
  const rule = { kind: 'last' } as const;
  const rows = resultRows([[run(2)], [run(1)]], 0, rule, limitOf(rule, []));
  const ofMachine = rows.filter(({ source }) => source === 'machine:');
  expect(ofMachine.map(({ metric, title, kind }) => [metric, title, kind])).toEqual([
    ['energy_kwh', 'Energy (machine)', 'cost'],
    ['cpu_share', 'Processor (machine)', 'cost'],
  ]);
  expect(ofMachine[0]?.values[1]).toMatchObject({ mean: 1, delta: -1, better: true });
  expect(ofMachine[1]?.better).toBeNull();
});
