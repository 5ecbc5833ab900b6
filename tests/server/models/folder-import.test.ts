/** Folders without a tokenizer.json, and templates that are written in the library: the folder outside stays as it is. */
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ModelLibrary } from '../../../electron/server/models/library.ts';
import { loadTokenizer } from '../../../electron/server/tokenize/apart-tokenizer.ts';
import { describeWithAddon } from '../../native/addon-built.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const context = { signal: new AbortController().signal, progress: () => {} };
const OWN =
  "{{ bos_token }}{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{% endfor %}";

describeWithAddon('a model folder outside of the library', () => {
  let root: string;
  let library: ModelLibrary;
  let folder: string;
  let weights: string;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'collie-folder-'));
    library = new ModelLibrary(join(root, 'models'));
    const maker = new ModelLibrary(join(root, 'maker'));
    weights = (await maker.import(join(fixtures, 'gguf/tiny-spm.gguf'), 'weights', context)).path;
    folder = join(root, 'hf');
    mkdirSync(folder);
    for (const name of ['config.json', 'model.safetensors'])
      copyFileSync(join(weights, name), join(folder, name));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const tokenizer = (name: string, ...files: string[]) => {
    for (const file of files)
      copyFileSync(join(fixtures, 'tokenizers/readers', name, file), join(folder, file));
  };

  it('gets a tokenizer.json in the library, beside links to its files', async () => {
    tokenizer('sentencepiece-bpe', 'tokenizer.model', 'tokenizer_config.json');
    const before = readdirSync(folder);
    await expect(library.resolve(folder)).rejects.toMatchObject({
      code: 'model.no_tokenizer',
      hint: expect.stringContaining('collie models import'),
    });
    const card = await library.import(folder, 'Old', context);
    expect(card).toMatchObject({
      origin: 'folder',
      source: folder,
      path: join(root, 'models/old'),
      made: ['tokenizer.json', 'tokenizer_config.json'],
      notes: ['tokenizer.json was made from tokenizer.model (sentencepiece, BPE, 500 pieces).'],
      problem: null,
    });
    expect(lstatSync(join(card.path, 'model.safetensors')).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder)).toEqual(before);
    const made = await loadTokenizer(card.path);
    expect(made.bos?.text).toBe('<s>');
    expect(await made.decode(await made.encode('The quick brown fox'))).toBe('The quick brown fox');
    expect(await library.list()).toEqual([card]);
    expect((await library.import(folder, '', context)).id).toBe('old');
    expect(await library.folders()).toEqual([
      { id: 'old', path: card.path },
      { id: 'old', path: folder },
    ]);
    await library.remove('old');
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(
      readFileSync(join(weights, 'model.safetensors')),
    );
  });

  it('a damaged tokenizer leaves nothing behind', async () => {
    writeFileSync(join(folder, 'tokenizer.model'), Buffer.from([0x0a, 0xff, 0x01]));
    await expect(library.import(folder, '', context)).rejects.toMatchObject({ code: 'model.no_tokenizer' });
    expect(await library.list()).toEqual([]);
    expect(readdirSync(library.folder)).toEqual([]);
  });

  it('is used in place until its template is changed, and keeps the change through another import', async () => {
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      copyFileSync(join(weights, name), join(folder, name));
    writeFileSync(join(folder, 'chat_template.jinja'), '{{ messages[0].content }}');
    const card = await library.import(folder, 'Mine', context);
    expect(card.path).toBe(folder);
    expect(await library.template('mine')).toMatchObject({
      place: 'chat_template.jinja',
      edited: false,
      example: 'What is a collie?',
    });

    await expect(library.setTemplate('mine', '{% for %}')).rejects.toMatchObject({
      code: 'model.no_tokenizer',
    });
    expect((await library.get('mine')).path).toBe(folder);
    const changed = await library.setTemplate('mine', OWN);
    expect(changed).toMatchObject({ text: OWN, edited: true, problem: null });
    expect(changed.example).toBe(
      '<s><user>What is a collie?<assistant>A dog that herds sheep.<user>Is it fast?',
    );
    expect(readFileSync(join(folder, 'chat_template.jinja'), 'utf8')).toBe('{{ messages[0].content }}');
    expect((await library.import(folder, '', context)).path).toBe(join(root, 'models/mine'));
    expect(await library.template('mine')).toMatchObject({ text: OWN, edited: true });

    expect(await library.setTemplate('mine', null)).toMatchObject({
      text: '{{ messages[0].content }}',
      edited: false,
    });
    expect(readFileSync(join(folder, 'chat_template.jinja'), 'utf8')).toBe('{{ messages[0].content }}');
  });

  it('a converted model takes another template and its own again; a base model shows the plain one', async () => {
    await library.import(join(fixtures, 'gguf/tiny-spm.gguf'), 'spm', context);
    expect(await library.template('spm')).toMatchObject({ place: 'plain', edited: false });
    expect(await library.setTemplate('spm', OWN)).toMatchObject({ text: OWN, edited: true });
    expect((await library.get('spm')).hasChatTemplate).toBe(true);
    expect(await library.setTemplate('spm', null)).toMatchObject({ place: 'plain', edited: false });
  });
});
