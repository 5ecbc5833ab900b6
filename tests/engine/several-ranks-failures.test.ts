/** Bad input that only one of several ranks meets, through supervisor and mpirun: the error names rank, thing and next step. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeJsonAtomic } from '../../electron/server/runs/folder.ts';
import { RunRegistry } from '../../electron/server/runs/registry.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { noMpi } from '../support/mpirun.ts';
import { makeRun, type SpecPatch } from '../support/rank.ts';
import { smallDisk } from '../support/small-disk.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { countingDocuments, noEngine, quick, temporaryFolder, trainToEnd } from './support.ts';

const settings: SpecPatch = {
  ...quick,
  parallel: { pp_size: 2 },
  checkpoint: { every_steps: 2, keep: 5 },
  duration: { unit: 'steps', value: 4 },
};

describe.skipIf(noEngine ?? noMpi)('one of two ranks', () => {
  const root = temporaryFolder();
  const registry = new RunRegistry(join(root, 'home'));
  const model = makeTinyModel(join(root, 'model'), { dtype: 'F32', tied: true });
  const mounts: string[] = [];
  afterEach(() => {
    for (const mount of mounts.splice(0)) spawnSync('umount', [mount]);
  });

  /** A run that can be resumed, with its data. */
  function create(changes: SpecPatch = {}): { id: string; dir: string } {
    const dataset = { train: 'none', mapping: { kind: 'prompt_answer', prompt: 'p', answer: 'a' } } as const;
    const id = registry.create(
      runSpecSchema.parse({ method: { type: 'lora' }, optimizer: { type: 'adamw' }, model, dataset }),
    );
    const dir = registry.dir(id);
    makeRun(dir, model, { ...settings, ...changes }, countingDocuments(20, 3));
    writeFileSync(join(dir, 'data/meta.json'), '{}');
    writeJsonAtomic(join(dir, 'status.json'), { ...registry.status(id), state: 'stopped' });
    return { id, dir };
  }

  async function end(id: string): Promise<RunStatus> {
    await registry.resume(id);
    await expect.poll(() => isLive(registry.status(id)), { timeout: 120_000 }).toBe(false);
    return registry.status(id);
  }

  it('a checkpoint whose part of rank 1 is cut off: the file, and how to go on without it', async () => {
    const { id, dir } = create();
    await trainToEnd(dir);
    const newest = join(dir, 'checkpoints/step-00000004');
    const part = join(newest, 'adapter.rank-001.safetensors');
    truncateSync(part, 1000);
    const { state, error } = await end(id);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ code: 'checkpoint.truncated', data: { path: part } });
    expect(error?.message).toContain(`${part} is cut off`);
    expect(error?.hint).toContain(`--resume ${id} --checkpoint step-00000002`);
    rmSync(newest, { recursive: true });
    expect(await end(id)).toMatchObject({ state: 'completed', step: 4, error: null });
  });

  it('a disk that is full for rank 1: the rank and its file', async (context) => {
    const disk = smallDisk(join(root, 'disk'), '16k');
    if (disk === null) return context.skip();
    mounts.push(disk);
    const { id, dir } = create({ duration: { unit: 'steps', value: 10_000 }, recovery: { max_restarts: 3 } });
    const events = join(dir, 'events/rank-001.jsonl');
    mkdirSync(join(dir, 'events'), { recursive: true });
    symlinkSync(join(disk, 'events.jsonl'), events);
    const { restarts, error } = await end(id);
    expect(error).toMatchObject({ code: 'disk.full', data: { path: events, rank: 1 } });
    expect(error?.message).toBe(`Rank 1: ${events} could not be written: No space left on device.`);
    expect(error?.hint).toMatch(/^It was not started again by itself: .*disk\.full.* Free some disk space/);
    expect(restarts).toEqual([]);
  });

  it('a host that cannot be reached: its name, and what must work', async () => {
    const { id } = create({ hosts: ['nowhere.invalid:1', 'localhost:1'], recovery: { max_restarts: 3 } });
    const { restarts, error } = await end(id);
    expect(error).toMatchObject({ code: 'setup.failed', data: { host: 'nowhere.invalid' } });
    expect(error?.message).toMatch(
      /^The host nowhere\.invalid could not be reached to start its ranks: ssh: /,
    );
    expect(error?.hint).toContain('`ssh nowhere.invalid true` must work');
    expect(restarts).toEqual([]);
  });
});
