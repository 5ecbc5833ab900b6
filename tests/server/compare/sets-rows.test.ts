/** Named evaluation sets in a comparison: rows side by side. */
import { describe, expect, it } from 'vitest';
import { addSet, answered, chose, parity, sums } from '../../support/made-sets.ts';
import { ANY, better, ComparedSets, range, view } from './sets-support.ts';
import { viewOf, writeRun } from './support.ts';

const made = new ComparedSets();

describe('rows of a set', () => {
  it('of a generation: won and lost by each metric, opened with both answers', async () => {
    made.two(sums, ...better(answered));
    const found = await made.compare.examples(view, 'b', ANY);
    expect(found).toMatchObject({
      problem: null,
      notes: [],
      sets: ['sums'],
      set: 'sums',
      won: 15,
      lost: 0,
      tied: 25,
    });
    expect(found.metrics.map(({ name }) => name)).toEqual(['number_match', 'word_f1', 'cut_off']);
    expect(found.metric).toMatchObject({ name: 'number_match', better: 'higher', unit: 'share' });
    expect(found.slices).toHaveLength(4);
    expect(found.slices.map(({ won }) => won)).toEqual([0, 0, 10, 5]);
    const byWords = await made.compare.examples(view, 'b', { ...ANY, set: 'sums', metric: 'word_f1' });
    expect(byWords.examples[30]).toMatchObject({ baseline: 0, candidate: 0.5, outcome: 'won' });
    const row = made.compare.example(view, 'b', 'sums', found.examples[30]?.id ?? '');
    expect(row.messages).toEqual([{ role: 'user', content: 'What is 30 plus 30?' }]);
    expect(row.expected).toEqual(['60']);
    expect(row.baseline).toMatchObject([
      { run: 'a', step: 3, answers: [{ text: 'The sum is surely 61' }], chosen: null },
    ]);
    expect(row.candidate).toMatchObject([
      { run: 'b', answers: [{ text: 'The sum is 60' }], scores: { number_match: 1 } },
    ]);
    expect(() => made.compare.example(view, 'b', 'sums', 'none')).toThrow('not in both runs');
  });

  it('of a classification: the labels that both predicted', async () => {
    made.two(parity, ...better(chose));
    const found = await made.compare.examples(view, 'b', ANY);
    expect(found.metrics.map(({ name }) => name)).toEqual(['accuracy', 'accuracy_norm', 'loss']);
    expect(found).toMatchObject({ won: 15, lost: 0, tied: 25 });
    const row = made.compare.example(view, 'b', 'parity', found.examples[21]?.id ?? '');
    expect(row.expected).toEqual(['odd']);
    expect([row.baseline[0]?.chosen, row.candidate[0]?.chosen]).toEqual(['even', 'odd']);
    // Its loss is lower where it is right.
    expect(await made.compare.examples(view, 'b', { ...ANY, metric: 'loss' })).toMatchObject({
      won: 15,
      lost: 0,
    });
  });

  it('are counted and opened for files and terminals, by the same code', async () => {
    made.two(sums, ...better(answered));
    const [summary] = made.compare.summaries(view, 2);
    expect(summary).toMatchObject({ candidate: 'b', set: 'sums', problem: null });
    expect(summary?.metrics[0]).toMatchObject({ name: 'number_match', rows: 40, won: 15, lost: 0, tied: 25 });
    expect(summary?.rows.map(({ outcome, id }) => [outcome, Number.parseInt(id, 16)])).toEqual([
      ['won', 20],
      ['won', 21],
    ]);
    for (const [format, holds] of [
      ['html', ['<del>', 'surely 41</del>', 'Verdict by set and metric']],
      [
        'markdown',
        ['## Rows won and lost', '| b | sums | Number match | 40 | 15 | 0 | 25 |', 'The sum is surely 41'],
      ],
      [
        'csv',
        [
          'rows,sums: Number match,,won,,15',
          'verdict,sums: Number match,share,outcome,,better',
          'won,sums: What is 20 plus 20?,,output,The sum is surely 41,The sum is 40',
        ],
      ],
      ['latex', ['Verdict by set and metric', 'Number match']],
    ] as const) {
      const { text } = await made.compare.export('x', view, format);
      for (const part of holds) expect(text, format).toContain(part);
    }
  });

  it('of a group are the means of its runs, each of them opened', async () => {
    for (const [id, seed, last] of [
      ['a1', 1, 20],
      ['a2', 2, 10],
      ['b1', 1, 38],
      ['b2', 2, 40],
    ] as const)
      addSet(
        writeRun(made.home, id, { seed, rate: id.startsWith('a') ? 1e-4 : 4e-4 }),
        sums,
        range(40).map((k) => answered(k, k < last)),
      );
    const of = viewOf({ runs: ['a1', 'a2', 'b1', 'b2'] });
    const found = await made.compare.examples(of, 'b1', ANY);
    expect(found.examples[15]).toMatchObject({ baseline: 0.5, candidate: 1, outcome: 'won' });
    const row = made.compare.example(of, 'b1', 'sums', found.examples[15]?.id ?? '');
    expect(row.baseline.map(({ run, scores }) => [run, scores.number_match])).toEqual([
      ['a1', 1],
      ['a2', 0],
    ]);
    const verdict = await made.verdictOn('sums', of);
    expect(verdict.tests[0]?.test).toContain('paired permutation test over 40 conversations');
    expect(verdict.tests[0]?.seeds).toMatchObject({ n: 2 });
    expect(verdict.seedNoise).toBe('known');
  });
});
