/** Disks that are full at any byte: training and imports say so by name, leave nothing half behind, and go on once there is room. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DatasetLibrary } from '../../electron/server/datasets/library.ts';
import { ModelLibrary } from '../../electron/server/models/library.ts';
import { toErrorInfo } from '../../electron/shared/errors.ts';
import {
  checkpoints,
  errorOf,
  fileBytes,
  noEngine,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from '../engine/support.ts';
import { jsonl } from '../server/datasets/fixtures.ts';
import { uniform } from '../support/random.ts';
import { smallDisk } from '../support/small-disk.ts';
import { DISKS, report, SEED } from './campaign.ts';

const LAST = 'step-00000004';
const settings = { duration: { unit: 'steps', value: 4 }, checkpoint: { every_steps: 1, keep: 9 } } as const;
const whole = (run: string) =>
  checkpoints(run).filter((name) => existsSync(join(run, 'checkpoints', name, 'DONE')));

/** The code; where the disk is full, the message says which file could not be written. */
function fullDisk(thrown: unknown, disk: string): string {
  const { code, message } = toErrorInfo(thrown);
  if (code === 'disk.full') expect(message).toContain(disk);
  return code;
}

describe.skipIf(noEngine)('full disks', () => {
  const root = temporaryFolder();
  const next = uniform(SEED);

  /** Calls `work` with disks of so many kilobytes or a part of it. */
  async function onDisks(kind: string, most: number, work: (disk: string) => Promise<string>): Promise<void> {
    const outcomes = new Map<string, number>();
    for (let index = 0; index < DISKS; index += 1) {
      const disk = smallDisk(join(root, `disk-${kind}-${index}`), `${4 * Math.ceil((most / 4) * next())}k`);
      if (disk === null) return;
      try {
        const outcome = await work(disk);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } finally {
        spawnSync('umount', ['-l', disk]);
      }
    }
    report(`full disks, ${kind}`, outcomes);
  }

  test('training', async () => {
    const undisturbed = tinyRun(root, settings);
    await trainToEnd(undisturbed);
    const size = Number(spawnSync('du', ['-sk', undisturbed], { encoding: 'utf8' }).stdout.split('\t')[0]);
    await onDisks('training', size, async (disk) => {
      const elsewhere = tinyRun(root, settings);
      const run = join(disk, 'run');
      try {
        cpSync(elsewhere, run, { recursive: true });
      } catch {
        return 'no room to begin with';
      }
      const { code, stderr } = await new TrainProcess(run).ended;
      if (code === 0) return 'it fits';
      expect(code).toBe(1);
      const error = errorOf(stderr);
      expect(error.code, stderr).toBe('disk.full');
      expect(error.message).toContain(disk);
      expect(whole(run)).toEqual(checkpoints(run));
      const again = join(root, 'room');
      rmSync(again, { recursive: true, force: true });
      cpSync(run, again, { recursive: true });
      await trainToEnd(again, whole(again).at(-1));
      const file = ['checkpoints', LAST, 'adapter.safetensors'] as const;
      expect(fileBytes(again, ...file)).toBe(fileBytes(undisturbed, ...file));
      return 'disk.full, and on with room';
    });
  });

  test('an import of data', async () => {
    const path = join(root, 'rows.jsonl');
    // What does not compress: rows are kept as Parquet.
    const text = () => Array.from({ length: 20 }, () => next().toString(36)).join(' ');
    const rows = Array.from({ length: 2000 }, () => ({ prompt: text(), answer: text() }));
    writeFileSync(path, jsonl(rows));
    await onDisks('import of data', 2000, async (disk) => {
      const library = new DatasetLibrary(disk);
      const outcome = await library.import(path, '', {}).then(
        () => 'it fits',
        (thrown) => fullDisk(thrown, disk),
      );
      if (outcome === 'it fits') return outcome;
      expect(outcome).toBe('disk.full');
      const folder = join(disk, 'datasets');
      expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
      return outcome;
    });
  });

  test('an import of a model', async () => {
    const gguf = join(import.meta.dirname, '../fixtures/gguf/tiny-llama.gguf');
    const work = { signal: new AbortController().signal, progress: () => {} };
    await onDisks('import of a model', 200, async (disk) => {
      const folder = join(disk, 'models');
      mkdirSync(folder);
      const outcome = await new ModelLibrary(folder).import(gguf, '', work).then(
        () => 'it fits',
        (thrown) => fullDisk(thrown, disk),
      );
      if (outcome === 'it fits') return outcome;
      expect(outcome).toBe('disk.full');
      expect(readdirSync(folder)).toEqual([]);
      return outcome;
    });
  });
});
