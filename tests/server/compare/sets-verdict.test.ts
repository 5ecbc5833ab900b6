/** Named evaluation sets in a comparison: verdicts by set and metric. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addSet,
  answered,
  chose,
  likely,
  type MadeRow,
  type MadeSet,
  manual,
  parity,
  sums,
} from '../../support/made-sets.ts';
import { ANY, better, ComparedSets, range, view } from './sets-support.ts';
import { writeRun } from './support.ts';

const made = new ComparedSets();

it('the data of both tells what their sets hold, and which rows one was trained on', () => {
  made.two(sums, ...better(answered));
  const row = (title: string) => made.compare.data(view, 'b').rows.find((one) => one.title === title);
  expect(row('Rows of "sums"')).toMatchObject({ baseline: '40', candidate: '40', differs: false });
  expect(row('Content of "sums"')?.differs).toBe(false);
  expect(row('Rows of "sums" that it was trained on')?.candidate).toBe('not recorded');
  // Content and conversation of two training rows, 16 bytes a row.
  const seen = Buffer.alloc(32);
  seen.writeBigUInt64BE(7n, 0);
  seen.writeBigUInt64BE(99n, 16);
  writeFileSync(join(made.home, 'runs/b/data/train.rows.u64'), seen);
  expect(row('Rows of "sums" that it was trained on')?.candidate).toBe('1');
  addSet(join(made.home, 'runs/b'), sums, better(answered)[1].slice(1));
  expect(row('Content of "sums"')?.differs).toBe(true);
});

describe('the verdict on a set', () => {
  it('is exact McNemar for right and wrong, a paired permutation for scores, corrected together', async () => {
    made.two(sums, ...better(answered));
    const verdict = await made.verdictOn('sums');
    expect(verdict).toMatchObject({ outcome: 'better', rows: 40, conversations: 40, seedNoise: 'unknown' });
    expect(verdict.sentence).toMatch(
      /^Better: its number match is 37\.5 percentage points higher on 40 rows \(95 % interval/,
    );
    const [right, words] = verdict.tests;
    expect(right?.test).toContain(
      'exact McNemar test: 15 with 1 only for the candidate, 0 only for the baseline',
    );
    expect(right?.p).toBeCloseTo(2 * 0.5 ** 15, 8);
    expect(right?.low).toBeGreaterThan(0);
    expect(words?.test).toContain('paired permutation test over 40 conversations');
    for (const { p, adjusted } of verdict.tests) expect(adjusted).toBeGreaterThanOrEqual(p);
    expect(verdict.tests.map(({ outcome }) => outcome)).toEqual(['better', 'better', 'no_difference']);
  });

  it('keeps rows of one conversation together', async () => {
    const of = (last: number) =>
      range(40).map((k) => chose(k, k < last, { conversation: Math.floor(k / 4) }));
    made.two(parity, of(20), of(36));
    const verdict = await made.verdictOn('parity');
    expect(verdict.conversations).toBe(10);
    expect(verdict.tests[0]?.test).toContain('paired permutation test over 10 conversations');
    // All sign flips of four conversations that differ: 2 of 16.
    expect(verdict.tests[0]?.p).toBeCloseTo(2 / 16, 12);
  });

  it('is told for each set, the held-out rows first', async () => {
    const rows = range(40).map((k) => 1 + (k % 7) / 10);
    for (const [id, k] of [
      ['a', 0],
      ['b', 1],
    ] as const) {
      const dir = writeRun(made.home, id, { rate: 1e-4 * (1 + k), rows: rows.map((loss) => loss - 0.2 * k) });
      addSet(
        dir,
        manual,
        range(40).map((row) => likely(row, 1.5 + 0.3 * k + (row % 5) / 10)),
      );
      addSet(
        dir,
        sums,
        range(40).map((row) => answered(row, row % 2 === 0)),
      );
    }
    const found = await made.compare.verdicts(view);
    expect(found.map(({ set, outcome }) => [set, outcome])).toEqual([
      ['eval', 'better'],
      ['manual', 'worse'],
      ['sums', 'no_difference'],
    ]);
    expect(found[1]?.tests.map(({ metric }) => metric)).toEqual(['loss', 'token_accuracy', 'whole_answer']);
    // Said once of a candidate.
    expect(
      found.flatMap(({ notes }) => notes).filter((note) => note.startsWith('Seed noise unknown')),
    ).toHaveLength(1);
    expect((await made.compare.examples(view, 'b', ANY)).sets).toEqual(['eval', 'manual', 'sums']);
  });

  it('refuses what was evaluated otherwise, and says which', async () => {
    const rows = range(40).map((k) => answered(k, true));
    const labelled = range(40).map((k) => chose(k, true));
    const refusal = async (a: MadeSet, b: MadeSet, mine = rows, theirs = mine) => {
      made.two(a, mine, theirs, b);
      const { outcome, sentence } = await made.verdictOn(a.name);
      expect(outcome).toBe('not_comparable');
      return sentence;
    };
    const generation = (more: object): MadeSet => ({
      ...sums,
      evaluator: { ...sums.evaluator, ...more } as MadeSet['evaluator'],
    });
    expect(await refusal(sums, generation({ max_new_tokens: 40, stop: ['\n'] }))).toBe(
      'Not comparable: they were decoded otherwise: answer length 20 and 40, stop texts none and \n.',
    );
    expect(
      await refusal(generation({ temperature: 0.7 }), generation({ temperature: 0.7, seed: 1 })),
    ).toContain('seed 42 and 1');
    expect(await refusal(sums, generation({ metrics: ['chrf'] }))).toContain(
      'no metric in common: number_match, word_f1 against chrf',
    );
    expect(await refusal(sums, { ...sums, evaluator: { type: 'likelihood' } })).toContain(
      'it is a generation in one run and a likelihood in another',
    );
    expect(
      await refusal(
        sums,
        sums,
        rows,
        range(40).map((k) => answered(k + 100, true)),
      ),
    ).toContain('evaluated on other rows: of 40 and 40, 0 are the same');
    expect(
      await refusal(
        sums,
        sums,
        rows,
        range(40).map((k) => answered(k, true, { tokens: 'f'.repeat(16) })),
      ),
    ).toContain('became other tokens');
    expect(
      await refusal(
        parity,
        { ...parity, evaluator: { type: 'classification', normalize: 'tokens' } },
        labelled,
      ),
    ).toContain('normalization none and tokens');
    const renamed = labelled.map(({ about, found }) => ({ about: { ...about, labels: ['0', '1'] }, found }));
    expect(await refusal(parity, parity, labelled, renamed)).toContain('their labels differ');
    // Rows can be looked at all the same.
    made.two(sums, rows, rows, generation({ max_new_tokens: 40 }));
    const found = await made.compare.examples(view, 'b', ANY);
    expect(found.examples).toHaveLength(40);
    expect(found.notes[0]).toMatch(/^These rows are no verdict: they were decoded otherwise/);
  });

  it('across tokenizers: likelihood in bits per byte, answers not at all; other templates are named', async () => {
    const apart = (row: (k: number, tokens: string) => MadeRow, set: MadeSet, meta: object[]) => {
      made.two(
        set,
        range(40).map((k) => row(k, '1'.repeat(16))),
        range(40).map((k) => row(k, '2'.repeat(16))),
      );
      for (const [k, id] of ['a', 'b'].entries())
        writeFileSync(join(made.home, 'runs', id, 'data/meta.json'), JSON.stringify(meta[k]));
    };
    const vocabularies = [
      { vocabulary: 'x', template: 't' },
      { vocabulary: 'y', template: 't' },
    ];
    apart((k, tokens) => likely(k, tokens.startsWith('1') ? 2 : 1.5, { tokens }), manual, vocabularies);
    const verdict = await made.verdictOn('manual');
    expect(verdict).toMatchObject({ outcome: 'better', tests: [{ unit: 'bits per byte' }] });
    // 4 tokens of half a nat less, in 8 bytes.
    expect(verdict.tests[0]?.difference).toBeCloseTo((-0.5 * 4) / Math.LN2 / 8, 12);
    apart((k, tokens) => answered(k, true, { tokens }), sums, vocabularies);
    expect((await made.verdictOn('sums')).sentence).toContain('their tokenizers differ');
    apart((k, tokens) => answered(k, true, { tokens }), sums, [
      { vocabulary: 'x', template: 't' },
      { vocabulary: 'x', template: 'u' },
    ]);
    expect((await made.verdictOn('sums')).sentence).toContain('their chat templates differ');
  });

  it('leaves a metric out whose rule differs', async () => {
    const rows = range(40).map((k) => {
      const one = answered(k, true);
      return { ...one, found: { ...one.found, scores: { ...one.found.scores, regex: 1 } } };
    });
    const matching = (pattern: string): MadeSet => ({
      ...sums,
      evaluator: { type: 'generation', metrics: ['number_match', 'regex'], pattern },
    });
    made.two(matching('a'), rows, rows, matching('b'));
    const verdict = await made.verdictOn('sums');
    expect(verdict.tests.map(({ metric }) => metric)).toEqual(['number_match', 'cut_off']);
    expect(verdict.notes).toContain('Pattern match is left out: the two have other rules for it.');
  });
});
