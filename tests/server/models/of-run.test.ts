/** Which model of the library a run was trained on, wherever its folder is by now. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelLibrary } from '../../../electron/server/models/library.ts';
import { modelOfRun } from '../../../electron/server/models/of-run.ts';

let root: string;
const config = { model_type: 'llama', hidden_size: 8 };
const folder = (...parts: string[]) => join(root, ...parts);
function makeModel(path: string, own: object = config): string {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'config.json'), JSON.stringify(own));
  return path;
}
function makeRun(kept: object | null = config): string {
  const run = folder('run');
  const checkpoint = join(run, 'checkpoints/step-00000004');
  mkdirSync(checkpoint, { recursive: true });
  if (kept) writeFileSync(join(checkpoint, 'meta.json'), JSON.stringify({ v: 1, config: kept }));
  writeFileSync(join(checkpoint, 'DONE'), '');
  return run;
}
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'collie-of-run-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the model of a run', () => {
  it('is the folder, by whatever path it was named', async () => {
    const path = makeModel(folder('llama'));
    symlinkSync(path, folder('current'));
    const library = [
      { id: 'twin', path: makeModel(folder('twin')) },
      { id: 'llama', path },
    ];
    expect(await modelOfRun(makeRun(), path, library)).toBe('llama');
    expect(await modelOfRun(makeRun(), folder('current'), library)).toBe('llama');
    expect(await modelOfRun(makeRun(), `${path}/`, [{ id: 'link', path: folder('current') }])).toBe('link');
    expect(await modelOfRun(makeRun(), makeModel(folder('other')), library)).toBeNull();
  });

  it('is found again when it was moved: by its name, and the config that the checkpoint kept', async () => {
    const before = makeModel(folder('llama'));
    mkdirSync(folder('disk'));
    const after = folder('disk/llama');
    renameSync(before, after);
    const library = [{ id: 'llama-2', path: after }];
    expect(await modelOfRun(makeRun(), before, library)).toBe('llama-2');
    expect(await modelOfRun(makeRun({ ...config, hidden_size: 16 }), before, library)).toBeNull();
  });

  it('is none while several may be it, or one has only its config', async () => {
    const gone = folder('llama');
    const [a, b] = [makeModel(folder('a/llama')), makeModel(folder('b/llama'))];
    const instruct = { id: 'instruct', path: makeModel(folder('llama-instruct')) };
    expect(await modelOfRun(makeRun(), gone, [instruct])).toBeNull();
    const two = [
      { id: 'a', path: a },
      { id: 'b', path: b },
    ];
    expect(await modelOfRun(makeRun(), gone, two)).toBeNull();
  });

  it('is none without a checkpoint, or in an empty library', async () => {
    mkdirSync(folder('run'));
    const library = [{ id: 'a', path: makeModel(folder('a/llama')) }];
    expect(await modelOfRun(folder('run'), folder('llama'), library)).toBeNull();
    expect(await new ModelLibrary(folder('models')).folders()).toEqual([]);
  });
});
