/** Metrics of a set and scores of its rows, from what an engine would have computed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cutAt, scoreGeneration, scoreLosses } from '../../../electron/server/evaluation/score-set.ts';
import { metricsOfSet } from '../../../electron/server/evaluation/set-metrics.ts';
import type { EvalRow, RawAnswer, RawLoss } from '../../../electron/shared/runs/evaluation-rows.ts';
import { evaluationSetSchema } from '../../../electron/shared/spec/evaluation-sets.ts';

const set = (evaluator: object, rest: object = {}) =>
  evaluationSetSchema.parse({ name: 'mine', data: '/x.jsonl', evaluator, ...rest });
const row = (more: Partial<EvalRow> = {}): EvalRow => ({
  id: '0'.repeat(16),
  conversation: '0'.repeat(16),
  tokens_id: '0'.repeat(16),
  source_row: 0,
  tokens: 5,
  answer_bytes: 4,
  messages: [],
  ...more,
});
const raw = (losses: number[], targets = 2): RawLoss[] =>
  losses.map((loss, k) => ({ row: k, loss, targets, correct: 1 }));

describe('likelihood', () => {
  it('is one division over the sums; bits per byte need the bytes of all rows', () => {
    const { metrics, rows } = scoreLosses(set({ type: 'likelihood' }), [row(), row()], raw([2, 6]));
    expect(metrics).toEqual({
      loss: 2,
      perplexity: Math.exp(2),
      token_accuracy: 0.5,
      target_tokens: 4,
      bits_per_byte: 8 / Math.LN2 / 8,
    });
    expect(rows[1]).toEqual({ row: 1, loss: 6, targets: 2, correct: 1, scores: { loss: 3 } });
    const cut = scoreLosses(set({ type: 'likelihood' }), [row(), row({ answer_bytes: null })], raw([2, 6]));
    expect(cut.metrics).not.toHaveProperty('bits_per_byte');
  });
});

describe('classification', () => {
  const rows = [
    row({ labels: ['a', 'long label'], label: 0, first_document: 0 }),
    row({ labels: ['a', 'long label'], label: 1, first_document: 2 }),
  ];
  // Of the whole label, the short one is always the likelier.
  const losses = raw([1, 5, 2, 4]);

  it('chooses the label of lowest loss', () => {
    const { metrics, confusion, rows: scored } = scoreLosses(set({ type: 'classification' }), rows, losses);
    expect(metrics).toMatchObject({ accuracy: 0.5, accuracy_norm: 0.5, macro_recall: 0.5, loss: 5 / 4 });
    expect(confusion).toEqual({
      labels: ['a', 'long label'],
      matrix: [
        [1, 0],
        [1, 0],
      ],
    });
    expect(scored[1]).toMatchObject({
      chosen: 0,
      losses: [2, 4],
      loss: 4,
      scores: { accuracy: 0, accuracy_norm: 1 },
    });
    expect(scored[1]?.probability).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
  });

  it('by characters a long label is at no disadvantage', () => {
    const evaluator = { type: 'classification', normalize: 'characters' };
    const { rows: scored } = scoreLosses(set(evaluator), rows, losses);
    expect(scored.map(({ chosen }) => chosen)).toEqual([1, 1]);
  });

  it('rows with choices of their own have no confusion matrix', () => {
    const own = [rows[0] as EvalRow, row({ labels: ['b', 'c'], label: 1, first_document: 2 })];
    const { metrics, confusion } = scoreLosses(set({ type: 'classification' }), own, losses);
    expect(confusion).toBeUndefined();
    expect(metrics).not.toHaveProperty('macro_f1');
  });

  it('a benchmark is scored by its choices, whatever the evaluator says', () => {
    const { metrics } = scoreLosses(set({ type: 'likelihood' }, { task: 'arc' }), rows, losses);
    expect(metrics).toHaveProperty('accuracy_norm');
  });
});

interface Calibrated {
  beta: number;
  label: number[];
  alone: number[];
  losses: number[][];
  none: Record<string, number>;
  mutual_info: Record<string, number>;
}
const { mutual_information } = JSON.parse(
  readFileSync(new URL('../../fixtures/evaluation/metrics.json', import.meta.url), 'utf8'),
) as { mutual_information: Calibrated[] };

describe('labels against themselves without the prompt', () => {
  /** Documents of the labels alone first, which rows share, then those of each row. */
  const made = ({ label, alone, losses }: Calibrated) => {
    const labels = alone.map((_, k) => `label ${k}`);
    const rows = label.map((right, k) =>
      row({
        labels,
        label: right,
        first_document: labels.length * (k + 1),
        alone_documents: labels.map((_, place) => place),
      }),
    );
    return { rows, raw: raw([...alone, ...losses.flat()]) };
  };

  it.each(mutual_information)('choose as acc_mutual_info, scored as in scikit-learn (beta $beta)', (one) => {
    const given = made(one);
    for (const normalize of ['none', 'mutual_info'] as const) {
      const wish = set({ type: 'classification', normalize, beta: one.beta });
      const { metrics, rows: scored } = scoreLosses(wish, given.rows, given.raw);
      const wanted = one[normalize];
      expect(Object.keys(metrics).sort()).toEqual(
        [...Object.keys(wanted), 'accuracy_norm', 'calibration_error', 'loss'].sort(),
      );
      for (const [name, value] of Object.entries(wanted))
        expect(Math.abs((metrics[name] as number) - value), `${normalize} ${name}`).toBeLessThan(1e-9);
      expect(scored[0]?.losses).toEqual(one.losses[0]);
      expect(scored[0]?.losses_alone).toEqual(normalize === 'none' ? undefined : one.alone);
    }
    expect(one.none.accuracy).not.toBe(one.mutual_info.accuracy);
  });

  it('says which document is missing', () => {
    const wish = set({ type: 'classification', normalize: 'mutual_info' });
    const rows = [row({ labels: ['a', 'b'], label: 0, first_document: 0 })];
    expect(() => scoreLosses(wish, rows, raw([1, 2]))).toThrow('"a" has no document without the prompt');
    const torn = [{ ...(rows[0] as EvalRow), alone_documents: [7, 8] }];
    expect(() => scoreLosses(wish, torn, raw([1, 2]))).toThrow('left out documents of row 0');
  });
});

describe('generation', () => {
  const rows = [row({ references: ['7'] }), row({ references: ['8'] })];
  const texts = ['It is 7', 'It is 9', 'no', 'It is 8. Q: next'];
  const decode = async (ids: number[]) => texts[ids[0] ?? 0] ?? '';
  const answer = (at: number, id: number, finish: RawAnswer['finish'] = 'stop', place = 0): RawAnswer => ({
    row: at,
    answer: place,
    ids: [id],
    finish,
  });
  const evaluator = { type: 'generation', metrics: ['number_match', 'contains'], stop: ['Q:'] } as const;

  it('scores every row and the set, and cuts at a stop text', async () => {
    const wanted = set(evaluator).evaluator as Extract<
      ReturnType<typeof set>['evaluator'],
      { type: 'generation' }
    >;
    const { metrics, rows: scored } = await scoreGeneration(
      wanted,
      rows,
      [answer(0, 1, 'length'), answer(1, 3, 'length')],
      decode,
    );
    expect(metrics).toEqual({ number_match: 0.5, contains: 0.5, cut_off: 0.5 });
    expect(scored[1]).toEqual({
      row: 1,
      answers: [{ text: 'It is 8. ', finish: 'stop' }],
      scores: { number_match: 1, contains: 1 },
    });
    expect(cutAt('a Q: b A: c', ['A:', 'Q:'])).toEqual({ text: 'a ', stopped: true });
  });

  it('several answers to a prompt give their mean and pass@k', async () => {
    const wanted = set({ ...evaluator, answers: 2, temperature: 1 }).evaluator as Extract<
      ReturnType<typeof set>['evaluator'],
      { type: 'generation' }
    >;
    const found = await scoreGeneration(
      wanted,
      rows,
      [answer(0, 0), answer(0, 1, 'stop', 1), answer(1, 2), answer(1, 1, 'stop', 1)],
      decode,
    );
    expect(found.metrics).toMatchObject({ number_match: 0.25, pass_at_k: 0.5 });
    expect(found.rows.map(({ scores }) => scores.pass_at_k)).toEqual([1, 0]);
  });
});

describe('prompts with instructions', () => {
  const rows = [
    row({
      instructions: [
        { id: 'punctuation:no_comma', settings: {} },
        { id: 'keywords:existence', settings: { keywords: ['cat'] } },
      ],
    }),
    row({ instructions: [{ id: 'startend:quotation', settings: {} }] }),
  ];
  const one = set(
    { type: 'generation', metrics: ['valid_json'], answers: 2, temperature: 1 },
    { task: 'ifeval' },
  );

  it('count every instruction alike in the set, and say which an answer keeps to', async () => {
    const texts = ['a cat', 'a cat, a dog', 'Here:\n"x"', '"y"'];
    const raw = texts.map((_, k) => ({ row: k >> 1, answer: k & 1, ids: [k], finish: 'stop' as const }));
    if (one.evaluator.type !== 'generation') throw new Error('generation');
    const { metrics, rows: scored } = await scoreGeneration(
      one.evaluator,
      rows,
      raw,
      async (ids) => texts[ids[0] ?? 0] ?? '',
    );
    expect(metrics).toEqual({
      prompt_strict: 0.5,
      prompt_loose: 0.75,
      instruction_strict: 4 / 6,
      instruction_loose: 5 / 6,
      valid_json: 0.25,
      pass_at_k: 1,
      cut_off: 0,
    });
    expect(Object.keys(metrics).sort()).toEqual(metricsOfSet(one).sort());
    expect(scored[0]).toMatchObject({
      followed: { strict: [true, true], loose: [true, true] },
      scores: { prompt_strict: 0.5, instruction_strict: 0.75, valid_json: 0 },
    });
    expect(scored[1]).toMatchObject({ followed: { strict: [false], loose: [true] } });
  });
});

describe('the names of the metrics of a set', () => {
  it('are those that its scoring gives', async () => {
    const choices = [row({ labels: ['a', 'b'], label: 0, first_document: 0 })];
    for (const one of [
      set({ type: 'likelihood' }),
      set({ type: 'classification' }),
      set({ type: 'classification', beta: 2 }),
      set({ type: 'likelihood' }, { task: 'arc' }),
    ]) {
      const rows = one.evaluator.type === 'likelihood' && one.task === null ? [row(), row()] : choices;
      const given = Object.keys(scoreLosses(one, rows, raw([1, 2])).metrics);
      expect(given).toEqual(expect.arrayContaining(metricsOfSet(one)));
    }
    const sampled = set({ type: 'generation', metrics: ['chrf', 'bleu'], answers: 2, temperature: 1 });
    if (sampled.evaluator.type !== 'generation') throw new Error('generation');
    const answers = [0, 1].map((answer) => ({ row: 0, answer, ids: [], finish: 'stop' as const }));
    const { metrics } = await scoreGeneration(
      sampled.evaluator,
      [row({ references: ['x'] })],
      answers,
      async () => 'x',
    );
    expect(Object.keys(metrics).sort()).toEqual(metricsOfSet(sampled).sort());
  });
});
