/** What stops a run, found against model, data and machine: each a named issue. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { jsonl, writeText } from '../datasets/fixtures.ts';
import { evalData, planner, rows, scratch, service, spec, wait } from './fixtures.ts';

describe('what is wrong', () => {
  const codes = async (input: unknown, machine = {}, model = {}) => {
    const { issues, resolved } = await service(machine, model).specs.validate(input, { wait });
    expect(resolved).toBeNull();
    return issues;
  };

  it('comes back together: schema, references and settings that do not go together', async () => {
    const issues = await codes({
      ...spec(),
      model: 'library:none',
      dataset: { train: '/nowhere.jsonl', mapping: { kind: 'chat', messages: 'm' }, eval_fraction: 0 },
      method: { type: 'lora', target_modules: ['q_proj', 'q_proj'] },
      duration: { unit: 'steps', value: 2.5 },
      evaluation: { every_steps: 10 },
      device: 'cuda',
      sede: 3,
      threads: -1,
    });
    expect(issues.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
      'dataset.train dataset.not_found',
      'device device.unavailable',
      'duration.value not_whole',
      'evaluation.every_steps no_evaluation_rows',
      'method.target_modules duplicate',
      'model model.not_found',
      'sede unknown_key',
      'threads too_small',
    ]);
    for (const { path, message } of issues) expect(message, path).not.toBe('');
  });

  it.each<[string, () => object, string, string, RegExp]>([
    [
      'a column that is not there',
      () => ({ dataset: { mapping: { kind: 'prompt_answer', prompt: 'questoin', answer: 'answer' } } }),
      'dataset.mapping.prompt',
      'dataset.missing_column',
      /It has: question, answer, n/,
    ],
    [
      'a column of numbers as messages',
      () => ({ dataset: { mapping: { kind: 'chat', messages: 'n' } } }),
      'dataset.mapping.messages',
      'dataset.bad_row',
      /"n" of "train.jsonl" holds values of type number/,
    ],
    [
      'evaluation data with other columns',
      () => ({ dataset: { eval: evalData } }),
      'dataset.eval',
      'dataset.missing_column',
      /"eval.jsonl" has no column "question"/,
    ],
    [
      'a sequence length above the context',
      () => ({ batch: { seq_len: 512 } }),
      'batch.seq_len',
      'above_context',
      /512 tokens; the model "Tiny" takes at most 256/,
    ],
    [
      'nothing left at the sequence length',
      () => ({ batch: { seq_len: 8 } }),
      'batch.seq_len',
      'dataset.all_masked',
      /all 40 rows have no answer token/,
    ],
    [
      'all dropped',
      () => ({ batch: { seq_len: 8 }, dataset: { too_long: 'drop' } }),
      'batch.seq_len',
      'dataset.all_masked',
      /all 40 rows are longer and dropped/,
    ],
    [
      'samples above the context',
      () => ({ sampling: { prompts: ['x'], max_new_tokens: 256 } }),
      'sampling.max_new_tokens',
      'above_context',
      /256 tokens do not fit/,
    ],
  ])('%s', async (_, change, path, code, message) => {
    const issues = await codes(spec({ batch: { seq_len: 128 }, ...change() }));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ path, code });
    expect(issues[0]?.message).toMatch(message);
    expect(issues[0]?.suggestion).not.toBe('');
  });

  it('leaves the forecast where it can be made: what a choice costs is seen while it is mended', async () => {
    const input = spec({ method: { type: 'lora', target_modules: ['w1'] } });
    const { issues, resolved, preview } = await service().specs.validate(input, { wait });
    expect(issues).toMatchObject([{ path: 'method.target_modules', code: 'no_match' }]);
    expect(resolved).toBeNull();
    expect(preview).toMatchObject({ trainableParams: 10, memory: { totalBytes: 1000 } });
  });

  it('a method that the planner refuses leaves the issue that says why', async () => {
    const refuse = () => {
      throw new CollieError('spec.invalid', 'Not in 4 bits.', '');
    };
    const input = spec({ method: { type: 'full' }, quantization: 'nf4' });
    const { specs } = service({ planner: { ...planner, planMemory: refuse } });
    const { issues, preview } = await specs.validate(input, { wait });
    expect(issues.map(({ path }) => path)).toEqual(['quantization']);
    expect(preview).toBeNull();
  });

  it('a bad row is found before the run starts', async () => {
    const bad = await writeText(
      join(scratch, 'bad.jsonl'),
      jsonl([...rows, { question: 'q', answer: null, n: 1 }]),
    );
    const issues = await codes(spec({ dataset: { train: bad } }));
    expect(issues).toMatchObject([{ path: 'dataset.unusable_rows', code: 'dataset.bad_row' }]);
    expect(issues[0]?.message).toMatch(
      /1 of 41 rows have a null or blank answer \(row 41\)\. The first: Row 41, column "answer": the answer is null/,
    );
  });

  it('bad rows are left out when the spec says so, and the preview says how many', async () => {
    const bad = await writeText(
      join(scratch, 'left-out.jsonl'),
      jsonl([...rows, { question: 'q', answer: null, n: 1 }]),
    );
    const input = spec({ dataset: { train: bad, unusable_rows: 'leave_out' } });
    const { issues, preview } = await service().specs.validate(input, { wait });
    expect(issues).toEqual([]);
    expect(preview?.warnings.join(' ')).toContain(
      '1 of 41 rows have a null or blank answer (row 41); they are left out.',
    );
  });

  it('a bad row of the evaluation data is one of dataset.eval', async () => {
    const bad = await writeText(
      join(scratch, 'bad-eval.jsonl'),
      jsonl([{ question: null, answer: 'x' }, rows[0]]),
    );
    const issues = await codes(spec({ dataset: { eval: bad } }));
    expect(issues).toMatchObject([{ path: 'dataset.unusable_rows', code: 'dataset.bad_row' }]);
    expect(issues[0]?.message).toMatch(
      /^Evaluation data: 1 of 2 rows .* Row 1, column "question": it holds null/,
    );
  });

  it('holding out the only row that can be trained on is an issue', async () => {
    const long = { question: 'word '.repeat(200), answer: 'late' };
    // One of the two orders holds out the short row.
    const orders = [
      [rows[0], long],
      [long, rows[0]],
    ];
    const outcomes = await Promise.all(
      orders.map(async (order, k) => {
        const path = await writeText(join(scratch, `two-${k}.jsonl`), jsonl(order));
        return service().specs.validate(spec({ dataset: { train: path, eval_fraction: 0.5 } }), { wait });
      }),
    );
    const failed = outcomes.filter(({ issues }) => issues.length > 0);
    expect(failed).toHaveLength(1);
    for (const { issues } of failed)
      expect(issues).toMatchObject([{ path: 'dataset.eval_fraction', code: 'dataset.all_masked' }]);
  });

  it('a model that cannot be trained says why', async () => {
    const problem = {
      code: 'model.unknown_architecture',
      message: 'Mamba is unknown.',
      hint: 'Choose another.',
      data: {},
    };
    const issues = await codes(spec(), {}, { problem } as Partial<ModelCard>);
    expect(issues).toMatchObject([
      { path: 'model', code: 'model.unknown_architecture', suggestion: 'Choose another.' },
    ]);
  });

  it('a missing addon is an issue, not a crash', async () => {
    const missing = () => {
      throw new CollieError('engine.not_built', 'The native addon is missing.', 'Run setup.');
    };
    const issues = await codes(spec(), { planner: { ...planner, planMemory: missing } });
    expect(issues).toMatchObject([{ path: '', code: 'engine.not_built', suggestion: 'Run setup.' }]);
  });
});
