import { describe, expect, it } from 'vitest';
import { studyMarkdown } from '../../../electron/shared/runs/study-report.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import {
  type StudyDataInput,
  type StudyInput,
  type StudyKind,
  studyDefaults,
  studyKinds,
  studyRuns,
  studySchema,
} from '../../../electron/shared/spec/study.ts';

const rows = (train: string, part: Partial<StudyDataInput> = {}): StudyDataInput => ({
  ...{ train, mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
  ...part,
});

const study = (kind: StudyKind, part: Partial<StudyInput> = {}) =>
  studySchema.parse({
    ...{ kind, ...studyDefaults(kind), models: ['m'], data: [rows('rows.jsonl')] },
    ...part,
  });

describe('the runs of a study', () => {
  it.each(studyKinds)('are specs that the schema takes: %s', (kind) => {
    const runs = studyRuns(study(kind));
    expect(runs.length).toBeGreaterThan(5);
    for (const { spec } of runs) expect(runSpecSchema.safeParse(spec).error).toBeUndefined();
    expect(new Set(runs.map(({ spec }) => spec.name)).size).toBe(runs.length);
  });

  it('take each optimizer with all weights and each method with AdamW, once', () => {
    const runs = studyRuns(study('memory', { methods: ['full', 'lora'], optimizers: ['adamw', 'lomo'] }), [
      'a',
      'b',
    ]);
    expect(runs.map(({ values }) => Object.values(values).join(' '))).toEqual([
      ...['a full adamw', 'a full lomo', 'a lora adamw'],
      ...['b full adamw', 'b full lomo', 'b lora adamw'],
    ]);
  });

  it('sweep the rates of every optimizer by the same factors of what is recommended for it', () => {
    const runs = studyRuns(
      study('quality', { methods: ['lora'], optimizers: ['adamw', 'lion'], rates: [0.5, 2], seeds: [1] }),
    );
    const rates = runs.map(({ values }) => Number(values['optimizer.learning_rate']));
    expect(Number(rates[1]) / Number(rates[0])).toBeCloseTo(4, 1);
    expect(Number(rates[3]) / Number(rates[2])).toBeCloseTo(4, 1);
    expect(rates[0]).not.toBe(rates[2]);
  });

  it('are made of every dataset in the quality study, which answers the rows it is judged on where that is asked for', () => {
    const gsm8k = rows('library:gsm8k', { eval: 'library:gsm8k-test', answered_rows: 20 });
    const one = { methods: ['lora' as const], optimizers: ['adamw'], rates: [1], seeds: [1], eval_rows: 9 };
    const runs = studyRuns(study('quality', { ...one, data: [rows('/a/sample.jsonl'), gsm8k] }));
    const specs = runs.map(({ spec }) => runSpecSchema.parse(spec));
    expect(specs.map(({ name }) => name.split(' ')[1])).toEqual(['sample.jsonl', 'gsm8k']);
    expect(runs.map(({ values }) => values['dataset.train'])).toEqual(['/a/sample.jsonl', 'library:gsm8k']);
    expect(specs.map(({ dataset }) => dataset.eval)).toEqual([null, 'library:gsm8k-test']);
    expect(specs.map(({ evaluation }) => evaluation.max_rows)).toEqual([9, 9]);
    expect(specs.map(({ evaluation }) => evaluation.sets.length)).toEqual([0, 1]);
    expect(specs[1]?.evaluation.sets[0]).toMatchObject({
      ...{ name: 'answers', data: 'library:gsm8k-test', max_rows: 20 },
      evaluator: { type: 'generation', metrics: ['number_match'], max_new_tokens: 256 },
    });
  });

  it.each<[string, StudyKind, Partial<StudyInput>]>([
    ['a quality study needs one method or more', 'quality', { methods: [] }],
    ['a throughput study needs one layout or more', 'throughput', { layouts: [] }],
    ['one method or one optimizer', 'memory', { methods: [], optimizers: [] }],
    ['takes one dataset, not 2', 'memory', { data: [rows('a'), rows('b')] }],
    ['a is there twice', 'quality', { data: [rows('a'), rows('a')] }],
    ['answers need held-out data beside a', 'quality', { data: [rows('a', { answered_rows: 5 })] }],
  ])('say what is missing: %s', (message, kind, part) => {
    expect(() => study(kind, part)).toThrow(message);
  });
});

it('a report as Markdown has its tables, and says what is not the same', () => {
  const text = studyMarkdown({
    ...{ id: 'x', kind: 'memory', name: 'Memory', complete: 1, runs: 2, machine: 'Measured here.' },
    tables: [
      {
        title: 'Peak',
        columns: ['Method', 'GB'],
        rows: [
          ['a|b', 1.23456],
          ['c', null],
        ],
      },
    ],
    ...{ figures: [], notes: ['Another machine.'], left_out: ['lomo: does not go with it'] },
  });
  expect(text).toBe(
    [
      '## Memory',
      '',
      '1 of 2 runs complete. Measured here.',
      '',
      '**Peak**',
      '',
      '| Method | GB |',
      '| --- | --- |',
      '| a\\|b | 1.235 |',
      '| c | – |',
      '',
      'What is not the same, and what to know:',
      '',
      '- Another machine.',
      '',
      'Left out:',
      '',
      '- lomo: does not go with it',
      '',
    ].join('\n'),
  );
});
