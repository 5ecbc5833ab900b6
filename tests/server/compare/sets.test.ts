/** Named evaluation sets in a comparison: rows side by side, verdicts by set and metric, and whatever may be wrong with a record. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompareService } from '../../../electron/server/compare/service.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { RunSummaries } from '../../../electron/server/runs/summaries.ts';
import { setRecord, setRowsFile } from '../../../electron/shared/runs/run-folder.ts';
import {
  addSet,
  answered,
  chose,
  likely,
  type MadeRow,
  manual,
  parity,
  type SetWish,
  sums,
} from '../../support/made-sets.ts';
import { viewOf, writeRun } from './support.ts';

let home: string;
let compare: CompareService;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-sets-'));
  const runs = new RunRegistry(home);
  compare = new CompareService(home, {
    runs,
    summaries: new RunSummaries(runs),
    series: new SeriesCache(),
    openDataset: async () => {
      throw new Error('the dataset is gone');
    },
  });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const WISH = { set: '', metric: '', slice: null };
const range = (n: number) => Array.from({ length: n }, (_, k) => k);
const view = viewOf({ runs: ['a', 'b'], grouped: false });
const verdictOn = async (set: string, of = view) =>
  (await compare.verdicts(of)).find((one) => one.set === set) ?? expect.fail(`no verdict on ${set}`);

/** Two runs with a set each; the candidate has what `b` makes of a row. */
function two(wish: SetWish, a: readonly MadeRow[], b: readonly MadeRow[], other: SetWish = wish): void {
  addSet(writeRun(home, 'a', { seed: 1 }), wish, a);
  addSet(writeRun(home, 'b', { seed: 1, rate: 4e-4 }), other, b);
}

/** Of 40 rows a has the first 20 right, b the first 35. */
const better = (made: typeof answered) =>
  [range(40).map((k) => made(k, k < 20)), range(40).map((k) => made(k, k < 35))] as const;

describe('rows of a set', () => {
  it('of a generation: won and lost by each metric, opened with both answers', async () => {
    two(sums, ...better(answered));
    const found = await compare.examples(view, 'b', WISH);
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
    const byWords = await compare.examples(view, 'b', { ...WISH, set: 'sums', metric: 'word_f1' });
    expect(byWords.examples[30]).toMatchObject({ baseline: 0, candidate: 0.5, outcome: 'won' });
    const row = compare.example(view, 'b', 'sums', found.examples[30]?.id ?? '');
    expect(row.messages).toEqual([{ role: 'user', content: 'What is 30 plus 30?' }]);
    expect(row.expected).toEqual(['60']);
    expect(row.baseline).toMatchObject([
      { run: 'a', step: 3, answers: [{ text: 'The sum is surely 61' }], chosen: null },
    ]);
    expect(row.candidate).toMatchObject([
      { run: 'b', answers: [{ text: 'The sum is 60' }], scores: { number_match: 1 } },
    ]);
    expect(() => compare.example(view, 'b', 'sums', 'none')).toThrow('not in both runs');
  });

  it('of a classification: the labels that both predicted', async () => {
    two(parity, ...better(chose));
    const found = await compare.examples(view, 'b', WISH);
    expect(found.metrics.map(({ name }) => name)).toEqual(['accuracy', 'accuracy_norm', 'loss']);
    expect(found).toMatchObject({ won: 15, lost: 0, tied: 25 });
    const row = compare.example(view, 'b', 'parity', found.examples[21]?.id ?? '');
    expect(row.expected).toEqual(['odd']);
    expect([row.baseline[0]?.chosen, row.candidate[0]?.chosen]).toEqual(['even', 'odd']);
    // Its loss is lower where it is right.
    expect(await compare.examples(view, 'b', { ...WISH, metric: 'loss' })).toMatchObject({
      won: 15,
      lost: 0,
    });
  });

  it('are counted and opened for files and terminals, by the same code', async () => {
    two(sums, ...better(answered));
    const [summary] = compare.summaries(view, 2);
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
      const { text } = await compare.export('x', view, format);
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
        writeRun(home, id, { seed, rate: id.startsWith('a') ? 1e-4 : 4e-4 }),
        sums,
        range(40).map((k) => answered(k, k < last)),
      );
    const of = viewOf({ runs: ['a1', 'a2', 'b1', 'b2'] });
    const found = await compare.examples(of, 'b1', WISH);
    expect(found.examples[15]).toMatchObject({ baseline: 0.5, candidate: 1, outcome: 'won' });
    const row = compare.example(of, 'b1', 'sums', found.examples[15]?.id ?? '');
    expect(row.baseline.map(({ run, scores }) => [run, scores.number_match])).toEqual([
      ['a1', 1],
      ['a2', 0],
    ]);
    const verdict = await verdictOn('sums', of);
    expect(verdict.tests[0]?.test).toContain('paired permutation test over 40 conversations');
    expect(verdict.tests[0]?.seeds).toMatchObject({ n: 2 });
    expect(verdict.seedNoise).toBe('known');
  });
});

it('the data of both tells what their sets hold, and which rows one was trained on', () => {
  two(sums, ...better(answered));
  const row = (title: string) => compare.data(view, 'b').rows.find((one) => one.title === title);
  expect(row('Rows of "sums"')).toMatchObject({ baseline: '40', candidate: '40', differs: false });
  expect(row('Content of "sums"')?.differs).toBe(false);
  expect(row('Rows of "sums" that it was trained on')?.candidate).toBe('not recorded');
  // Content and conversation of two training rows, 16 bytes a row.
  const seen = Buffer.alloc(32);
  seen.writeBigUInt64BE(7n, 0);
  seen.writeBigUInt64BE(99n, 16);
  writeFileSync(join(home, 'runs/b/data/train.rows.u64'), seen);
  expect(row('Rows of "sums" that it was trained on')?.candidate).toBe('1');
  addSet(join(home, 'runs/b'), sums, better(answered)[1].slice(1));
  expect(row('Content of "sums"')?.differs).toBe(true);
});

describe('the verdict on a set', () => {
  it('is exact McNemar for right and wrong, a paired permutation for scores, corrected together', async () => {
    two(sums, ...better(answered));
    const verdict = await verdictOn('sums');
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
    two(parity, of(20), of(36));
    const verdict = await verdictOn('parity');
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
      const dir = writeRun(home, id, { rate: 1e-4 * (1 + k), rows: rows.map((loss) => loss - 0.2 * k) });
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
    const found = await compare.verdicts(view);
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
    expect((await compare.examples(view, 'b', WISH)).sets).toEqual(['eval', 'manual', 'sums']);
  });

  it('refuses what was evaluated otherwise, and says which', async () => {
    const rows = range(40).map((k) => answered(k, true));
    const labelled = range(40).map((k) => chose(k, true));
    const refusal = async (a: SetWish, b: SetWish, mine = rows, theirs = mine) => {
      two(a, mine, theirs, b);
      const { outcome, sentence } = await verdictOn(a.name);
      expect(outcome).toBe('not_comparable');
      return sentence;
    };
    const generation = (more: object): SetWish => ({
      ...sums,
      evaluator: { ...sums.evaluator, ...more } as SetWish['evaluator'],
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
    two(sums, rows, rows, generation({ max_new_tokens: 40 }));
    const found = await compare.examples(view, 'b', WISH);
    expect(found.examples).toHaveLength(40);
    expect(found.notes[0]).toMatch(/^These rows are no verdict: they were decoded otherwise/);
  });

  it('across tokenizers: likelihood in bits per byte, answers not at all; other templates are named', async () => {
    const apart = (made: (k: number, tokens: string) => MadeRow, wish: SetWish, meta: object[]) => {
      two(
        wish,
        range(40).map((k) => made(k, '1'.repeat(16))),
        range(40).map((k) => made(k, '2'.repeat(16))),
      );
      for (const [k, id] of ['a', 'b'].entries())
        writeFileSync(join(home, 'runs', id, 'data/meta.json'), JSON.stringify(meta[k]));
    };
    const vocabularies = [
      { vocabulary: 'x', template: 't' },
      { vocabulary: 'y', template: 't' },
    ];
    apart((k, tokens) => likely(k, tokens.startsWith('1') ? 2 : 1.5, { tokens }), manual, vocabularies);
    const verdict = await verdictOn('manual');
    expect(verdict).toMatchObject({ outcome: 'better', tests: [{ unit: 'bits per byte' }] });
    // 4 tokens of half a nat less, in 8 bytes.
    expect(verdict.tests[0]?.difference).toBeCloseTo((-0.5 * 4) / Math.LN2 / 8, 12);
    apart((k, tokens) => answered(k, true, { tokens }), sums, vocabularies);
    expect((await verdictOn('sums')).sentence).toContain('their tokenizers differ');
    apart((k, tokens) => answered(k, true, { tokens }), sums, [
      { vocabulary: 'x', template: 't' },
      { vocabulary: 'x', template: 'u' },
    ]);
    expect((await verdictOn('sums')).sentence).toContain('their chat templates differ');
  });

  it('leaves a metric out whose rule differs', async () => {
    const rows = range(40).map((k) => {
      const one = answered(k, true);
      return { ...one, found: { ...one.found, scores: { ...one.found.scores, regex: 1 } } };
    });
    const matching = (pattern: string): SetWish => ({
      ...sums,
      evaluator: { type: 'generation', metrics: ['number_match', 'regex'], pattern },
    });
    two(matching('a'), rows, rows, matching('b'));
    const verdict = await verdictOn('sums');
    expect(verdict.tests.map(({ metric }) => metric)).toEqual(['number_match', 'cut_off']);
    expect(verdict.notes).toContain('Pattern match is left out: the two have other rules for it.');
  });
});

describe('what may be wrong with a record', () => {
  it('a run without the set, of an older version, or with settings that cannot be read', async () => {
    two(sums, ...better(answered));
    writeRun(home, 'older', { rows: range(40).map(() => 1) });
    const three = viewOf({ runs: ['a', 'older'], grouped: false });
    expect((await verdictOn('sums', three)).sentence).toBe(
      'Not comparable: older has no evaluation set "sums".',
    );
    expect((await compare.examples(three, 'older', { ...WISH, set: 'sums' })).problem).toBe(
      'Older has no evaluation set "sums".',
    );
    writeFileSync(join(home, 'runs/b/spec.json'), '{"cut');
    expect((await verdictOn('sums')).sentence).toContain('b has settings that cannot be read');
  });

  it('a set with no row, and one that has not been evaluated', async () => {
    two(sums, [], []);
    expect((await verdictOn('sums')).sentence).toBe(
      'Not comparable: a, b have not evaluated a row of "sums".',
    );
    for (const id of ['a', 'b'])
      writeFileSync(
        join(home, 'runs', id, 'data/meta.json'),
        JSON.stringify({ sets: [{ name: 'sums', rows: 3, evaluated: 0, warnings: [] }] }),
      );
    expect((await verdictOn('sums')).sentence).toBe(
      'Not comparable: a, b have no row to evaluate in "sums".',
    );
    expect(compare.summaries(view, 3)[0]).toMatchObject({
      problem: 'A, b have no row to evaluate in "sums".',
      metrics: [],
      rows: [],
    });
    const { text } = await compare.export('x', view, 'html');
    expect(text).toContain('no row to evaluate');
  });

  it('a file that is half written, or gone, or something else', async () => {
    two(sums, ...better(answered));
    const record = join(home, 'runs/b', setRecord('sums', 3));
    const whole = readFileSync(record, 'utf8');
    writeFileSync(record, whole.slice(0, Math.floor(whole.length * 0.7)));
    const torn = await verdictOn('sums');
    expect(torn.rows).toBeLessThan(40);
    expect(torn.rows).toBeGreaterThan(20);
    expect(torn.notes).toContain(
      `${40 - torn.rows} rows of the record of b cannot be read, and are left out.`,
    );
    expect(torn.notes).toContain(
      `Only the ${torn.rows} rows that both evaluated are compared, of 40 and ${torn.rows}.`,
    );
    writeFileSync(record, whole.slice(0, 30));
    expect((await verdictOn('sums')).sentence).toContain(
      'b has a record of step 3 of which no row can be read',
    );
    unlinkSync(record);
    expect((await verdictOn('sums')).sentence).toContain('b has not evaluated a row of "sums"');
    writeFileSync(record, whole);
    unlinkSync(join(home, 'runs/a', setRowsFile('sums')));
    expect((await compare.examples(view, 'b', WISH)).problem).toBe('A has not evaluated a row of "sums".');
  });

  it('scores and losses that are not numbers are left out of their metric', async () => {
    two(sums, ...better(answered));
    const record = join(home, 'runs/b', setRecord('sums', 3));
    writeFileSync(record, readFileSync(record, 'utf8').replaceAll('"word_f1":0}', '"word_f1":null}'));
    const verdict = await verdictOn('sums');
    expect(verdict.rows).toBe(40);
    expect(verdict.notes).toContain('5 rows without a F1 of words in one of the two are left out of it.');
    expect(
      verdict.tests.every(({ difference, p }) => Number.isFinite(difference) && Number.isFinite(p)),
    ).toBe(true);
    two(
      manual,
      range(40).map((k) => likely(k, 1)),
      range(40).map((k) => likely(k, 2)),
    );
    const losses = join(home, 'runs/b', setRecord('manual', 3));
    appendFileSync(losses, '{"row":99,"loss":1,"targets":1,"correct":1,"scores":{}}\n');
    writeFileSync(losses, readFileSync(losses, 'utf8').replace('"loss":8', '"loss":null'));
    const rest = await verdictOn('manual');
    expect(rest).toMatchObject({ outcome: 'worse', rows: 39 });
    expect(rest.notes).toContain('1 row of the record of b cannot be read, and is left out.');
  });

  it('the best evaluation of a set is that of its own metric', async () => {
    two(sums, ...better(answered));
    addSet(
      join(home, 'runs/b'),
      sums,
      range(40).map((k) => answered(k, true)),
      2,
    );
    const at = async (record: 'first' | 'best' | 'last') => {
      const found = compare.summaries({ ...view, record }, 1)[0];
      return found?.rows[0]?.candidate[0]?.step;
    };
    expect([await at('first'), await at('best'), await at('last')]).toEqual([2, 2, 3]);
  });
});
