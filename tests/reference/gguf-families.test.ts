/** GGUF files of every architecture that is imported, written with the `gguf` package: the weights come back to the bit, and so do the logits. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../electron/server/native/addon.ts';
import { compareLogits, randomDocuments, readLogits } from '../support/logits.ts';
import { referencePython, runPython } from '../support/python.ts';
import { rank } from '../support/rank.ts';
import { readSafetensorsBytes } from '../support/safetensors.ts';

const { python, skip } = await referencePython();
const fixtures = join(import.meta.dirname, '../fixtures/families');
/** At least one an architecture of docs/models.md's column "GGUF import". */
const families = [
  ...[
    'llama-bias',
    'ministral3',
    'qwen2',
    'qwen3',
    'gemma',
    'gemma2',
    'gemma3',
    'granite',
    'smollm3',
    'olmo2',
    'olmo3',
  ],
  ...['exaone4', 'phi', 'phi3', 'phi3-longrope', 'phi4-mini', 'gpt2', 'gpt-neox', 'gpt-neox-sequential'],
  ...['stablelm', 'stablelm-parallel', 'starcoder2', 'cohere', 'cohere2', 'falcon', 'falcon-grouped'],
  ...['internlm2', 'minicpm', 'chatglm', 'glm', 'glm4'],
];
/** These become a family that transformers has: the same results under other names. */
const renamed = ['chatglm'];
const TOKENS = 96;

describe.skipIf(skip)('GGUF files of the gguf package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'collie-gguf-families-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const place = (family: string, ...names: string[]) => join(folder, family, ...names);

  beforeAll(() => {
    runPython(python as string, [
      join(import.meta.dirname, 'gguf_families.py'),
      fixtures,
      folder,
      ...families,
    ]);
    const documents = randomDocuments(6, 11, TOKENS).map(({ ids }) => ids);
    writeFileSync(join(folder, 'ids.json'), JSON.stringify(documents));
  });

  const logits = (family: string, model: string) => {
    const out = place(family, `${model}.f32`);
    const options = [
      '--ids',
      join(folder, 'ids.json'),
      '--out',
      out,
      '--precision',
      'fp32',
      '--threads',
      '1',
    ];
    rank('logits', '--model', place(family, model), ...options);
    return readLogits(out);
  };

  it.each(families)('%s', async (family) => {
    const converted = place(family, 'converted');
    mkdirSync(converted);
    await native((addon) => addon.ggufConvert(place(family, 'model.gguf'), converted, () => true));
    const ours = readSafetensorsBytes(join(converted, 'model.safetensors'));
    const theirs = readSafetensorsBytes(place(family, 'folder/model.safetensors'));
    if (!renamed.includes(family)) {
      expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [name, tensor] of theirs) expect(ours.get(name), name).toEqual(tensor);
    }
    const compared = compareLogits(logits(family, 'converted'), logits(family, 'folder'), TOKENS);
    expect(compared.difference).toBe(0);
  });
});
