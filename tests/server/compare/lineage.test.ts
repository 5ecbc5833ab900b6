/** Where a run comes from, as far as its spec and its events tell. */
import { expect, it } from 'vitest';
import { lineageOf } from '../../../electron/server/compare/lineage.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { EventScript } from '../../support/event-script.ts';
import { factsOf, sixRuns } from './support.ts';

it('a variant names the nearest earlier run and its change', () => {
  const runs = sixRuns();
  const [first, second] = runs;
  const fourth = runs[3];
  if (!first || !second || !fourth) throw new Error('there are six');
  expect(lineageOf(first, runs, null)).toEqual([]);
  expect(lineageOf(second, runs, null)).toEqual([{ kind: 'changed', from: 'r1', text: 'r1 with seed 2' }]);
  expect(lineageOf(fourth, runs, null)).toEqual([
    { kind: 'changed', from: 'r1', text: 'r1 with Learning rate 0.0004' },
  ]);
});

it('more than three changes make another run', () => {
  const base = factsOf('base');
  const other = factsOf('other', { rate: 3e-3, rank: 64, seed: 9, minute: 5 });
  if (other.spec) other.spec = { ...other.spec, max_grad_norm: 7, epochs: 9 } as typeof other.spec;
  expect(lineageOf(other, [base, other], null)).toEqual([]);
});

it('a resumed run says from where; the steps after that are in its series once', () => {
  const script = new EventScript();
  script.started();
  for (const step of [1, 2, 3, 4]) script.step(step, 3 - step / 10);
  script.started({ attempt: 2, resumed_from_step: 2 });
  for (const step of [3, 4, 5]) script.step(step, 2 - step / 10);
  const series = reduceEvents(emptySeries, script.events);
  const run = factsOf('resumed');
  expect(lineageOf(run, [run], series)).toEqual([
    { kind: 'resumed', from: null, text: 'resumed from step 2; steps trained again are drawn once' },
  ]);
  expect([...series.steps.axis('step')]).toEqual([1, 2, 3, 4, 5]);
});

it('a run that starts from the adapter of another one continues it, also where that one is not compared', () => {
  const base = factsOf('base');
  const next = factsOf('next', { minute: 9 });
  const start = `${base.dir}/exports/adapter`;
  if (next.spec)
    next.spec = { ...next.spec, method: { ...next.spec.method, init_adapter: start } } as typeof next.spec;
  expect(lineageOf(next, [base, next], null)[0]).toEqual({
    kind: 'continued',
    from: 'base',
    text: 'continued from base',
  });
  expect(lineageOf(next, [next], null)).toEqual([
    { kind: 'continued', from: null, text: `continued from ${start}` },
  ]);
});

it('a run without a spec has no lineage', () => {
  expect(lineageOf({ ...factsOf('torn'), spec: null }, sixRuns(), null)).toEqual([]);
});
