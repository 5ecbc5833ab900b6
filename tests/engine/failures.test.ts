/** Bad input through the real executable: one clear error each, and nothing lost. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { readEvents } from '../support/rank.ts';
import { smallDisk } from '../support/small-disk.ts';
import { writeTokenStore } from '../support/token-store.ts';
import {
  checkpoints,
  countingDocuments,
  errorOf,
  fileBytes,
  noEngine,
  temporaryFolder,
  tinyRun,
  trainToEnd,
  trainToError,
} from './support.ts';

const specOf = (run: string) => JSON.parse(readFileSync(join(run, 'spec.json'), 'utf8'));
const modelOf = (run: string) => join(specOf(run).model as string, 'model.safetensors');
function editSpec(run: string, edit: (spec: ReturnType<typeof specOf>) => void): void {
  const spec = specOf(run);
  edit(spec);
  writeFileSync(join(run, 'spec.json'), JSON.stringify(spec));
}

/** Overwrites the first value of a tensor with NaN. */
function poison(path: string, name: string): void {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString());
  bytes.writeFloatLE(Number.NaN, 8 + headerLength + header[name].data_offsets[0]);
  writeFileSync(path, bytes);
}

describe.skipIf(noEngine)('bad input', () => {
  const root = temporaryFolder();

  it('an unknown key and impossible values in the spec are named by their path', async () => {
    const run = tinyRun(root);
    editSpec(run, (spec) => {
      spec.optimizer.momentum = 0.9;
    });
    const error = await trainToError(run);
    expect(error.code).toBe('spec.invalid');
    expect(error.data.issues).toMatchObject([
      { path: 'optimizer.momentum', code: 'unknown_key', received: 0.9 },
    ]);
    expect(readEvents(run).at(-1)).toMatchObject({ type: 'error', payload: { code: 'spec.invalid' } });

    const edits: [string, (spec: ReturnType<typeof specOf>) => void][] = [
      ['batch.micro_batch_size', (spec) => Object.assign(spec.batch, { micro_batch_size: 0 })],
      ['method.rank', (spec) => Object.assign(spec.method, { rank: 2.5 })],
      ['method.target_modules', (spec) => Object.assign(spec.method, { target_modules: ['lm_head'] })],
      ['optimizer.type', (spec) => Object.assign(spec.optimizer, { type: 'adagrad' })],
      ['duration.value', (spec) => Object.assign(spec.duration, { unit: 'steps', value: 1.5 })],
      ['precision', (spec) => Object.assign(spec, { precision: 'fp16' })],
      ['seed', (spec) => delete spec.seed],
      ['schemaVersion', (spec) => Object.assign(spec, { schemaVersion: 3 })],
    ];
    await Promise.all(
      edits.map(async ([path, edit]) => {
        const other = tinyRun(root);
        editSpec(other, edit);
        const { code, data } = await trainToError(other);
        expect(code).toBe('spec.invalid');
        expect(data.issues).toMatchObject([{ path }]);
      }),
    );
  });

  it('a truncated model, a missing one and one without a tensor', async () => {
    const run = tinyRun(root);
    truncateSync(modelOf(run), 40_000);
    expect((await trainToError(run)).code).toBe('model.truncated');
    rmSync(modelOf(run));
    expect((await trainToError(run)).code).toBe('model.not_found');
    rmSync(specOf(run).model, { recursive: true });
    expect((await trainToError(run)).code).toBe('model.not_found');
  });

  it('NaN weights: step, micro-batch and rows are named, and nothing is saved', async () => {
    const run = tinyRun(root);
    poison(modelOf(run), 'model.layers.1.mlp.down_proj.weight');
    const error = await trainToError(run);
    expect(error.code).toBe('train.non_finite');
    expect(error.data).toMatchObject({ step: 1, micro_batch: 0 });
    expect((error.data.rows as number[]).length).toBe(2);
    expect(error.hint).not.toBe('');
    expect(checkpoints(run)).toEqual([]);
  });

  it('data that does not fit: no rows, masked rows, foreign ids, too long rows', async () => {
    const with_ = async (documents: ReturnType<typeof countingDocuments>) => {
      const run = tinyRun(root);
      writeTokenStore(join(run, 'data'), 'train', documents);
      return trainToError(run);
    };
    expect((await with_([])).code).toBe('dataset.empty');
    const masked = countingDocuments(2, 1).map(({ ids }) => ({ ids, mask: ids.map(() => 0) }));
    expect((await with_(masked)).code).toBe('dataset.all_masked');
    const foreign = await with_([{ ids: [1, 2, 100_000], mask: [0, 1, 1] }]);
    expect(foreign).toMatchObject({ code: 'dataset.bad_row', data: { row: 0, id: 100_000 } });
    const long = await with_([{ ids: Array(65).fill(5), mask: Array(65).fill(1) }]);
    expect(long).toMatchObject({ code: 'dataset.bad_row', data: { row: 0, tokens: 65 } });
    const run = tinyRun(root);
    truncateSync(join(run, 'data/train.ids.u32'), 8);
    expect((await trainToError(run)).code).toBe('dataset.unreadable');
  });

  it('a checkpoint that was cut, and one of another model', async () => {
    const run = tinyRun(root, { duration: { unit: 'steps', value: 2 } });
    await trainToEnd(run);
    const weights = join(run, 'checkpoints/step-00000002/adapter.safetensors');
    const whole = readFileSync(weights);
    truncateSync(weights, whole.length - 1);
    expect((await trainToError(run, 'step-00000002')).code).toBe('checkpoint.truncated');
    writeFileSync(weights, whole);
    const config = join(specOf(run).model, 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('10000', '20000'));
    const other = await trainToError(run, 'step-00000002');
    expect(other.code).toBe('checkpoint.mismatch');
    expect(other.message).toContain('base model');
  });

  it('a device that is not there, a run that is not there, wrong arguments', async () => {
    const info = JSON.parse(spawnSync(rankExecutable(), ['info'], { encoding: 'utf8' }).stdout);
    if (info.cuda_devices === 0) {
      const run = tinyRun(root);
      editSpec(run, (spec) => Object.assign(spec, { device: 'cuda' }));
      expect((await trainToError(run)).code).toBe('device.unavailable');
    }
    const missing = spawnSync(rankExecutable(), ['train', '--run', join(root, 'nowhere')], {
      encoding: 'utf8',
    });
    expect(missing.status).toBe(1);
    expect(errorOf(missing.stderr).code).toBe('run.not_found');
    for (const args of [[], ['fly'], ['train'], ['train', '--ran', 'x'], ['export', '--kind', 'gguf']])
      expect(spawnSync(rankExecutable(), args, { encoding: 'utf8' }).status).toBe(2);
  });
});

describe.skipIf(noEngine)('a full disk', () => {
  const root = temporaryFolder();
  const mounts: string[] = [];
  afterEach(() => {
    for (const mount of mounts.splice(0)) spawnSync('umount', [mount]);
  });

  it('is one error; the checkpoint before it stays whole, and the run goes on once there is space', async (context) => {
    const disk = smallDisk(join(root, 'disk'), '700k');
    if (disk === null) return context.skip();
    mounts.push(disk);
    const run = tinyRun(root, {
      checkpoint: { every_steps: 2, keep: 5 },
      duration: { unit: 'steps', value: 30 },
    });
    rmSync(join(run, 'checkpoints'), { recursive: true });
    mkdirSync(join(disk, 'checkpoints'));
    symlinkSync(join(disk, 'checkpoints'), join(run, 'checkpoints'));

    const error = await trainToError(run);
    expect(error.code).toBe('disk.full');
    expect(readEvents(run).at(-1)).toMatchObject({ type: 'error', payload: { code: 'disk.full' } });
    const left = checkpoints(run);
    expect(left.length).toBeGreaterThan(0);
    for (const name of left) {
      expect(name).toMatch(/^step-\d{8}$/);
      expect(fileBytes(run, 'checkpoints', name, 'DONE')).toBe('');
    }
    spawnSync('mount', ['-o', 'remount,size=50m', disk]);
    const events = await trainToEnd(run, left.at(-1));
    expect(events.at(-1)).toMatchObject({ type: 'finished', payload: { reason: 'completed' } });
  });
});
