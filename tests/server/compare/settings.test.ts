/** Which runs are one group, which settings differ, and how that is said. */
import { describe, expect, it } from 'vitest';
import { commonName } from '../../../electron/server/compare/report.ts';
import {
  changedPaths,
  changeTexts,
  countChanges,
  groupsOf,
  settingRows,
  written,
} from '../../../electron/server/compare/settings.ts';
import { type RunSpec, runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { factsOf, sixRuns, specOf, viewOf } from './support.ts';

const ids = (groups: ReturnType<typeof groupsOf>) => groups.map(({ runs }) => runs.map(({ id }) => id));

describe('groups', () => {
  it('are runs that differ in nothing but the seed, in the order of the view', () => {
    const runs = sixRuns();
    const mixed = [runs[3], runs[0], runs[4], runs[1], runs[2], runs[5]].flatMap((run) => run ?? []);
    expect(ids(groupsOf(mixed, viewOf({ runs: [] })))).toEqual([
      ['r4', 'r5', 'r6'],
      ['r1', 'r2', 'r3'],
    ]);
  });

  it('are made by any setting, and not at all where that is wished', () => {
    const runs = sixRuns();
    expect(ids(groupsOf(runs, viewOf({ runs: [], group_by: ['seed'] })))).toEqual([
      ['r1', 'r4'],
      ['r2', 'r5'],
      ['r3', 'r6'],
    ]);
    expect(groupsOf(runs, viewOf({ runs: [], grouped: false }))).toHaveLength(6);
  });

  it('leave a run alone whose spec cannot be read', () => {
    const torn = { ...factsOf('torn'), spec: null };
    expect(groupsOf([torn, { ...torn, id: 'torn too' }], viewOf({ runs: [] }))).toHaveLength(2);
  });

  it('take a rate that was left to the workbench for the same as that rate chosen', () => {
    const chosen = factsOf('chosen', { rate: 2e-4 });
    const left = factsOf('left', { rate: null });
    expect(groupsOf([chosen, left], viewOf({ runs: [] }))).toHaveLength(1);
  });
});

describe('rows of settings', () => {
  it('know which differ, each in a section of the form', () => {
    const rows = settingRows(groupsOf(sixRuns(), viewOf({ runs: [] })));
    const differing = rows.filter(({ differs }) => differs);
    expect(differing.map(({ path, values }) => ({ path, values }))).toEqual([
      { path: 'optimizer.learning_rate', values: ['0.0001', '0.0004'] },
    ]);
    expect(rows.find(({ path }) => path === 'seed')?.values).toEqual(['1 | 2 | 3', '1 | 2 | 3']);
    expect(new Set(rows.map(({ path }) => path)).size).toBe(rows.length);
    expect(rows.every(({ section }) => section !== '')).toBe(true);
  });

  it('say where a group has no such setting', () => {
    const full = factsOf('full');
    if (full.spec) full.spec = { ...full.spec, method: { type: 'full' } } as typeof full.spec;
    const rows = settingRows(groupsOf([factsOf('lora'), full], viewOf({ runs: [] })));
    expect(rows.find(({ path }) => path === 'method.rank')).toMatchObject({
      values: ['8', null],
      differs: true,
    });
  });

  it('of evaluation sets stand one by one', () => {
    const of = (id: string, answer: number, names: string[]) => {
      const made = factsOf(id);
      const sets = names.map((name) => ({
        name,
        data: '/data/sums.jsonl',
        evaluator: { type: 'generation', max_new_tokens: answer, stop: ['\n'] },
      }));
      made.spec = runSpecSchema.parse({ ...made.spec, evaluation: { sets } });
      return made;
    };
    const [a, b] = [of('a', 20, ['sums']), of('b', 40, ['sums', 'more'])];
    const rows = settingRows(groupsOf([a, b], viewOf({ runs: [] })));
    const at = (path: string) => rows.find((row) => row.path === path);
    expect(at('evaluation.sets')).toMatchObject({ values: ['sums', 'sums, more'], differs: true });
    expect(at('evaluation.sets.sums.evaluator.max_new_tokens')).toMatchObject({
      section: 'Evaluation set sums',
      title: 'sums: Answer length',
      values: ['20', '40'],
      differs: true,
    });
    expect(at('evaluation.sets.sums.data')?.differs).toBe(false);
    expect(at('evaluation.sets.more.evaluator')?.values).toEqual([null, 'generation']);
    expect(changeTexts(a.spec as RunSpec, b.spec as RunSpec)).toEqual([
      'evaluation set more',
      'evaluation set sums: Answer length 40',
    ]);
    expect(changeTexts(b.spec as RunSpec, a.spec as RunSpec)).toContain('no evaluation set more');
  });

  it('have what was changed while a run trained, and such a run is no seed of the others', () => {
    const changed = {
      ...factsOf('b', { seed: 2 }),
      changes: [{ step: 20, learning_rate: 5e-5, total_steps: 80 }],
    };
    const groups = groupsOf(
      [factsOf('a', { seed: 1 }), changed, factsOf('c', { seed: 3 })],
      viewOf({ runs: [] }),
    );
    expect(ids(groups)).toEqual([['a', 'c'], ['b']]);
    expect(settingRows(groups).at(-1)).toEqual({
      section: 'While it trains',
      path: 'changes',
      title: 'Changed while it trained',
      values: ['nothing', 'after step 20: learning rate 0.00005, 80 steps in all'],
      differs: true,
    });
    expect(settingRows(groupsOf(sixRuns(), viewOf({ runs: [] }))).map(({ path }) => path)).not.toContain(
      'changes',
    );
  });

  it('are none without runs', () => expect(settingRows([])).toEqual([]));
});

it('what changed is said in the words of the form; name and seed are no change of settings', () => {
  const [from, to] = [specOf({ name: 'a', seed: 1 }), specOf({ name: 'b', seed: 2, rate: 4e-4, rank: 16 })];
  expect(changedPaths(from, to).sort()).toEqual(['method.rank', 'optimizer.learning_rate', 'seed']);
  expect(changeTexts(from, to).sort()).toEqual(['Learning rate 0.0004', 'Rank 16']);
  expect(countChanges(from, to, 1)).toBe(2); // enough to know that there are more than one
});

it('values are written as people read them, with all their digits', () => {
  expect(['', null, undefined, []].map((value) => written(value))).toEqual(['none', 'none', 'none', 'none']);
  expect([true, 1e-4, 0.1 + 0.2, ['a', 2]].map((value) => written(value))).toEqual([
    'on',
    '0.0001',
    '0.30000000000000004',
    'a, 2',
  ]);
});

it('a group is called by what the names of its runs have in common', () => {
  expect(commonName(['Rate 0.001, seed 1', 'Rate 0.001, seed 2'])).toBe('Rate 0.001');
  expect(commonName(['support seed 11', 'support seed 12'])).toBe('support');
  expect(commonName(['lora-s1', 'lora-s2'])).toBe('lora');
  expect(commonName(['same', 'same'])).toBe('same');
  expect(commonName(['one', 'other'])).toBe('one');
});
