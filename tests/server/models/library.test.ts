/** The model library: imports, cards, removal, bad input, and that nothing is left behind after a failure. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownName } from '../../../electron/server/files/leftovers.ts';
import type { WorkContext } from '../../../electron/server/host/parts.ts';
import { nameOfGguf } from '../../../electron/server/models/gguf-import.ts';
import { isModelId, slug, uniqueId } from '../../../electron/server/models/ids.ts';
import { ModelLibrary } from '../../../electron/server/models/library.ts';
import { modelCardSchema } from '../../../electron/shared/api/entities.ts';
import { describeWithAddon } from '../../native/addon-built.ts';

const gguf = join(import.meta.dirname, '../../fixtures/gguf/tiny-llama.gguf');

function context(signal: AbortSignal = new AbortController().signal): WorkContext & { fractions: number[] } {
  const fractions: number[] = [];
  return { signal, fractions, progress: (fraction) => fractions.push(fraction ?? -1) };
}

describe('ids of models', () => {
  it.each([
    ['SmolLM2 135M (Instruct)', 'smollm2-135m-instruct'],
    ['  ../../etc/passwd ', 'etc-passwd'],
    ['Überraschung', 'u-berraschung'],
    ['模型', 'model'],
    ['', 'model'],
    ['a'.repeat(300), 'a'.repeat(80)],
  ])('%j -> %s', (name, id) => {
    expect(slug(name)).toBe(id);
    expect(isModelId(slug(name))).toBe(true);
  });

  it('are unique', () => {
    expect(uniqueId('a', [])).toBe('a');
    expect(uniqueId('a', ['a', 'a-2'])).toBe('a-3');
  });

  it.each(['', '.', '..', '../a', 'a/b', '.partial-1-x', 'a\0'])('%j is none', (id) => {
    expect(isModelId(id)).toBe(false);
  });
});

it.each([
  ['SmolLM2-135M-Instruct.Q4_1.gguf', 'SmolLM2-135M-Instruct'],
  ['Llama-3.2-1B-Instruct-Q4_K_M.gguf', 'Llama-3.2-1B-Instruct'],
  ['model-f16.GGUF', 'model'],
  ['plain.gguf', 'plain'],
  ['x-IQ3_XS.gguf', 'x'],
  ['Big-Q4_K_M-00001-of-00003.gguf', 'Big'],
])('a model is named after its file: %s -> %s', (file, name) => {
  expect(nameOfGguf(file)).toBe(name);
});

describeWithAddon('model library', () => {
  let root = '';
  let library: ModelLibrary;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'collie-models-'));
    library = new ModelLibrary(join(root, 'models'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A Hugging Face folder outside the library. */
  async function folderModel(name = 'hf'): Promise<string> {
    const maker = new ModelLibrary(join(root, 'maker'));
    const card = await maker.import(gguf, name, context());
    const folder = join(root, name);
    cpSync(card.path, folder, { recursive: true });
    rmSync(join(folder, 'collie.json'));
    await maker.remove(card.id);
    return folder;
  }

  const left = () => (existsSync(library.folder) ? readdirSync(library.folder) : []);

  it('is empty before the first import', async () => {
    expect(await library.list()).toEqual([]);
    await expect(library.get('x')).rejects.toMatchObject({ code: 'model.not_found' });
    await expect(library.get('../x')).rejects.toMatchObject({ code: 'model.not_found' });
  });

  it('imports a GGUF file as a complete Hugging Face folder', async () => {
    const work = context();
    const card = modelCardSchema.parse(await library.import(gguf, '', work));
    expect(card).toMatchObject({
      id: 'tiny-llama',
      name: 'tiny-llama',
      origin: 'gguf',
      source: gguf,
      path: join(library.folder, 'tiny-llama'),
      architecture: 'LlamaForCausalLM',
      hasChatTemplate: true,
      problem: null,
    });
    expect(readdirSync(card.path).sort()).toEqual([
      'collie.json',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(left()).toEqual(['tiny-llama']);
    expect(work.fractions.at(-1)).toBe(1);
    expect(work.fractions).toEqual([...work.fractions].sort((a, b) => a - b));
    const tokenizer = Tokenizer.fromFile(join(card.path, 'tokenizer.json'));
    expect((await tokenizer.encode('<|im_start|>')).getIds()).toEqual([1]);
    expect(await library.list()).toEqual([card]);
    expect(await library.get('tiny-llama')).toEqual(card);
  });

  it('gives a second import of one name another id, also when both run at once', async () => {
    const cards = await Promise.all([
      library.import(gguf, 'Same', context()),
      library.import(gguf, 'Same', context()),
    ]);
    expect(cards.map((card) => card.id).sort()).toEqual(['same', 'same-2']);
    expect((await library.import(gguf, 'Same', context())).id).toBe('same-3');
    expect(left().sort()).toEqual(['same', 'same-2', 'same-3']);
  });

  it('uses a Hugging Face folder in place, once', async () => {
    const folder = await folderModel();
    const card = await library.import(folder, 'Mine', context());
    expect(card).toMatchObject({ id: 'mine', name: 'Mine', origin: 'folder', path: folder, problem: null });
    expect(readdirSync(join(library.folder, 'mine'))).toEqual(['collie.json']);
    expect((await library.import(`${folder}/`, '', context())).id).toBe('mine');
    expect(await library.list()).toHaveLength(1);
    await library.remove('mine');
    expect(left()).toEqual([]);
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(true);
  });

  it('lists a model whose folder went or broke, with the reason', async () => {
    const folder = await folderModel();
    await library.import(folder, 'Mine', context());
    truncateSync(join(folder, 'model.safetensors'), 5_000);
    expect((await library.get('mine')).problem?.code).toBe('model.truncated');
    renameSync(folder, `${folder}-moved`);
    expect((await library.list())[0]).toMatchObject({
      name: 'Mine',
      layers: 2,
      problem: { code: 'model.not_found' },
    });
    await expect(library.resolve('library:mine')).rejects.toMatchObject({ code: 'model.not_found' });
  });

  it('finds converted models after the library was moved', async () => {
    await library.import(gguf, '', context());
    renameSync(library.folder, join(root, 'elsewhere'));
    const moved = new ModelLibrary(join(root, 'elsewhere'));
    expect(await moved.get('tiny-llama')).toMatchObject({
      path: join(root, 'elsewhere/tiny-llama'),
      problem: null,
    });
  });

  it('removes a converted model with its files', async () => {
    await library.import(gguf, '', context());
    await library.remove('tiny-llama');
    expect(left()).toEqual([]);
    await expect(library.remove('tiny-llama')).rejects.toMatchObject({ code: 'model.not_found' });
  });

  it('resolves what a spec may say', async () => {
    const folder = await folderModel();
    await library.import(gguf, '', context());
    expect((await library.resolve('library:tiny-llama')).path).toBe(join(library.folder, 'tiny-llama'));
    expect((await library.resolve(folder)).path).toBe(folder);
    expect((await library.resolve('hf', root)).card).toMatchObject({ name: 'hf', path: folder, layers: 2 });
    await expect(library.resolve('library:none')).rejects.toMatchObject({ code: 'model.not_found' });
    await expect(library.resolve(join(root, 'none'))).rejects.toMatchObject({ code: 'model.not_found' });
    await expect(library.resolve(gguf)).rejects.toMatchObject({
      code: 'model.not_found',
      hint: expect.stringContaining('collie models import'),
    });
    mkdirSync(join(root, 'empty'));
    await expect(library.resolve(join(root, 'empty'))).rejects.toMatchObject({ code: 'model.not_found' });
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(library.import(gguf, '', context(abort.signal))).rejects.toMatchObject({
      code: 'job.cancelled',
    });
    expect(left()).toEqual([]);
  });

  it('replaces a model only when the new one is whole', async () => {
    const card = await library.importAs('starter', gguf, 'Starter', context());
    const broken = join(root, 'broken.gguf');
    writeFileSync(broken, readFileSync(gguf).subarray(0, 40_000));
    await expect(library.importAs('starter', broken, 'Starter', context())).rejects.toMatchObject({
      code: 'model.truncated',
    });
    expect(await library.get('starter')).toEqual(card);
    const again = await library.importAs('starter', gguf, 'Starter again', context());
    expect(await library.get('starter')).toEqual(again);
    expect(left()).toEqual(['starter']);
  });

  it('sweeps what a killed process left', async () => {
    // No process has this id: Linux ends at 2^22.
    const name = ownName('.partial-').replace(`-${process.pid}-`, '-999999999-');
    mkdirSync(join(library.folder, `${name}abc`), { recursive: true });
    expect(await library.list()).toEqual([]);
    await library.import(gguf, '', context());
    expect(left()).toEqual(['tiny-llama']);
  });

  it.each<[string, string, (folder: string) => void]>([
    ['config.json is missing', 'model.not_found', (folder) => rmSync(join(folder, 'config.json'))],
    [
      'config.json is no JSON',
      'model.bad_config',
      (folder) => writeFileSync(join(folder, 'config.json'), '{'),
    ],
    [
      'the architecture is unknown',
      'model.unknown_architecture',
      (folder) => writeFileSync(join(folder, 'config.json'), '{"architectures": ["OPTForCausalLM"]}'),
    ],
    ['the weights are missing', 'model.not_found', (folder) => rmSync(join(folder, 'model.safetensors'))],
    [
      'the weights are cut off',
      'model.truncated',
      (folder) => truncateSync(join(folder, 'model.safetensors'), 9_000),
    ],
    ['the tokenizer is missing', 'model.no_tokenizer', (folder) => rmSync(join(folder, 'tokenizer.json'))],
    [
      'the tokenizer configuration is no JSON',
      'model.no_tokenizer',
      (folder) => writeFileSync(join(folder, 'tokenizer_config.json'), 'x'),
    ],
  ])('refuses a folder when %s', async (_, code, spoil) => {
    const folder = await folderModel();
    spoil(folder);
    await expect(library.import(folder, '', context())).rejects.toMatchObject({ code });
    expect(left()).toEqual([]);
  });

  it('finds the model in the folder above, and names what its files have too much of', async () => {
    const folder = await folderModel('above/inner');
    const path = join(folder, 'model.safetensors');
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    const end = bytes.length - 8 - length;
    const withTensor = (name: string) => {
      const text = Buffer.from(
        JSON.stringify({ ...header, [name]: { dtype: 'F32', shape: [1], data_offsets: [end, end + 4] } }),
      );
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(text.length));
      writeFileSync(path, Buffer.concat([size, text, bytes.subarray(8 + length), Buffer.alloc(4)]));
    };
    withTensor('score.weight');
    const card = await library.import(join(root, 'above'), '', context());
    expect(card).toMatchObject({
      id: 'inner',
      path: folder,
      notes: [expect.stringContaining('score.weight')],
    });
    expect((await library.get('inner')).notes).toEqual(card.notes);
    withTensor('model.layers.0.self_attn.q_proj.bias');
    await expect(library.import(folder, '', context())).rejects.toMatchObject({
      code: 'model.unsupported_feature',
      message: expect.stringContaining('q_proj.bias'),
    });
    expect((await library.get('inner')).problem?.code).toBe('model.unsupported_feature');
  });

  it('refuses files that are no model', async () => {
    writeFileSync(join(root, 'x.txt'), 'hello');
    writeFileSync(join(root, 'x.gguf'), 'hello, this is no GGUF file at all');
    writeFileSync(join(root, 'cut.gguf'), readFileSync(gguf).subarray(0, 3_000));
    await expect(library.import(join(root, 'none'), '', context())).rejects.toMatchObject({
      code: 'file.not_found',
    });
    await expect(library.import(join(root, 'x.txt'), '', context())).rejects.toMatchObject({
      code: 'gguf.not_gguf',
    });
    await expect(library.import(join(root, 'x.gguf'), '', context())).rejects.toMatchObject({
      code: 'gguf.not_gguf',
    });
    await expect(library.import(join(root, 'cut.gguf'), '', context())).rejects.toMatchObject({
      code: 'model.truncated',
    });
    const types = join(import.meta.dirname, '../../fixtures/gguf/types.gguf');
    await expect(library.import(types, '', context())).rejects.toMatchObject({
      code: 'model.missing_tensor',
    });
    expect(left()).toEqual([]);
  });
});
