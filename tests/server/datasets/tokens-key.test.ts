/** The key of shared tokens: what they depend on changes it, and nothing else does. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileHashes } from '../../../electron/server/datasets/file-hashes.ts';
import { tokensKey } from '../../../electron/server/datasets/tokens-key.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { withValue } from '../../../electron/shared/spec/with-value.ts';
import { scratchFolder, specFor, writeText } from './fixtures.ts';

const scratch = scratchFolder('tokens-key');
const rows = await writeText(join(scratch, 'rows.jsonl'), '{"question":"a","answer":"b"}\n');
const same = await writeText(join(scratch, 'elsewhere/rows.jsonl'), '{"question":"a","answer":"b"}\n');
const other = await writeText(join(scratch, 'other/rows.jsonl'), '{"question":"a","answer":"c"}\n');
const tokenizer = { hash: 'h', vocabularyHash: 'v', templateHash: 't', stopIds: [2], firstWithoutRow: null };

type Tokenizer = Parameters<typeof tokensKey>[1];
const keyOf = (changes: Record<string, unknown> = {}, of: Partial<Tokenizer> = {}) => {
  let spec: Record<string, unknown> = specFor(rows);
  for (const [path, value] of Object.entries(changes)) spec = withValue(spec, path, value);
  return tokensKey(runSpecSchema.parse(spec), { ...tokenizer, ...of }, new FileHashes());
};
const set = (data: string, rest = {}) => ({ name: 'held', data, evaluator: { type: 'likelihood' }, ...rest });

describe('the key of shared tokens', () => {
  it.each<[string, Record<string, unknown>]>([
    ['content of the data', { 'dataset.train': other }],
    ['a file for evaluation', { 'dataset.eval': same }],
    ['mapping', { 'dataset.mapping': { kind: 'prompt_answer', prompt: 'answer', answer: 'question' } }],
    ['system prompt', { 'dataset.system_prompt': 'Be short.' }],
    ['held-out part', { 'dataset.eval_fraction': 0.5 }],
    ['rows that are too long', { 'dataset.too_long': 'drop' }],
    ['rows of no use', { 'dataset.unusable_rows': 'leave_out' }],
    ['sequence length', { 'batch.seq_len': 99 }],
    ['evaluated rows', { 'evaluation.max_rows': 3 }],
    ['a named set', { 'evaluation.sets': [set(same)] }],
  ])('changes with: %s', async (_, changes) => {
    expect(await keyOf(changes)).not.toBe(await keyOf());
  });

  it('changes with the content of a named set', async () => {
    const keys = [{ 'evaluation.sets': [set(same)] }, { 'evaluation.sets': [set(other)] }];
    expect(await keyOf(keys[0])).not.toBe(await keyOf(keys[1]));
  });

  it.each<Partial<Tokenizer>>([
    ...[
      { hash: 'x' },
      { vocabularyHash: 'x' },
      { templateHash: 'x' },
      { stopIds: [2, 3] },
      { firstWithoutRow: 9 },
    ],
  ])('changes with the tokenizer: %o', async (of) => {
    expect(await keyOf({}, of)).not.toBe(await keyOf());
  });

  it('is the same for the same content elsewhere, and for what tokens do not depend on', async () => {
    const changes = { 'dataset.train': same, 'method.rank': 3, 'optimizer.learning_rate': 0.5, seed: 7 };
    const more = { 'sampling.prompts': ['Hello?'], 'batch.micro_batch_size': 3, name: 'another' };
    expect(await keyOf({ ...changes, ...more })).toBe(await keyOf());
  });
});
