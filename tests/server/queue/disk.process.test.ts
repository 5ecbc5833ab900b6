/** A disk that fills up in the middle of a sweep: what trained has failed and says so, nothing that waits is lost, and all goes on once there is room. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isLive } from '../../../electron/server/runs/status.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { FakeSweeps } from './sweep-harness.ts';

/** Takes all room that is left. */
function fill(path: string): void {
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Smaller pieces may still fit.
    }
  }
}

it('a sweep whose disk is full midway goes on when there is room', { timeout: 600_000 }, async (context) => {
  const scratch = mkdtempSync(join(tmpdir(), 'collie-disk-'));
  const disk = smallDisk(join(scratch, 'disk'), '4m');
  if (!disk) return context.skip();
  const sweeps = new FakeSweeps(join(disk, 'library'));
  try {
    const { fake, queue } = sweeps;
    const behaviour = { steps: 400, stepMs: 10, checkpointEvery: 50 };
    const { id, ids } = await sweeps.add([[behaviour], [behaviour], [behaviour]], {});
    const [first = ''] = ids;
    queue.set({ paused: false });
    await fake.until(first, ({ state, step }) => state === 'running' && step > 5);
    const ballast = join(disk, 'ballast');
    fill(ballast);
    const ended = await fake.until(first, (status) => !isLive(status));
    expect(ended.state).toBe('failed');
    expect(fake.registry.ids().sort()).toEqual([...ids].sort());
    rmSync(ballast);
    queue.ensureRunner();
    for (const one of ids) {
      const settled = (state: string) => state === 'failed' || state === 'completed';
      const { state } = await fake.until(one, ({ state }) => settled(state));
      if (state === 'failed') await queue.retry(one);
      await fake.until(one, ({ state }) => state === 'completed');
    }
    expect(queue.sweeps.get(id).runs.map((run) => run.id)).toEqual(ids);
    expect(queue.state().items).toEqual([]);
  } finally {
    await sweeps.remove();
    spawnSync('umount', ['-l', disk]);
    rmSync(scratch, { recursive: true, force: true });
  }
});
