/**
 * The folders of sweeps: `sweeps/<id>/sweep.json`. A sweep appears with all its runs or not at all. Its run folders are made inside its own
 * folder, which is then renamed; from that moment it is there, and whoever looks at the queue moves the runs to their place.
 */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { QueueEntry } from '../../shared/runs/queue.ts';
import {
  type SweepKind,
  type SweepRecord,
  type SweepRun,
  sweepRecordSchema,
} from '../../shared/runs/sweep-record.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { ownName, removeLeftovers } from '../files/leftovers.ts';
import { ownFolder, renameUnlessTaken } from '../files/publish.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { takeLock } from '../runs/lock.ts';
import { stampedName, writeNewRun, writeNewStatus } from '../runs/new-run.ts';
import { processRef } from '../runs/process.ts';
import { writeTags } from '../runs/tags.ts';

const NEW = '.new-';
const ADDING = '.adding-';
const REMOVED = '.removed-';
const RECORD = 'sweep.json';
const LOCK = '.lock';

export interface NewRun {
  spec: RunSpec;
  entry: QueueEntry;
  values: SweepRun['values'];
  seed: number | null;
}

export class SweepStore {
  readonly #home: string;
  readonly #root: string;
  /** Records that were read, by id: lists are looked at several times a second. */
  readonly #known = new Map<string, { stamp: string; record: SweepRecord }>();

  constructor(home: string) {
    this.#home = home;
    this.#root = join(home, 'sweeps');
  }

  /** Newest first. One that cannot be read is left out: its runs are there as any others. */
  list(): SweepRecord[] {
    const found = names(this.#root).flatMap((id) => {
      try {
        return [this.get(id)];
      } catch {
        return [];
      }
    });
    return found.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  /** Throws request.invalid for one that is not there, file.unreadable for a broken record. */
  get(id: string): SweepRecord {
    const path = join(this.#root, id, RECORD);
    if (id.startsWith('.') || dirname(join(this.#root, id)) !== this.#root || !existsSync(path))
      throw new CollieError(
        'request.invalid',
        `There is no sweep ${id}.`,
        'The Sweeps page shows those that are there.',
        { id },
      );
    try {
      const { ino, mtimeMs, size } = statSync(path);
      const stamp = `${ino} ${mtimeMs} ${size}`;
      const known = this.#known.get(id);
      if (known?.stamp === stamp) return known.record;
      const record = sweepRecordSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
      this.#known.set(id, { stamp, record });
      return record;
    } catch (thrown) {
      throw new CollieError(
        'file.unreadable',
        `${path} cannot be read: ${String(thrown)}`,
        'Its runs are untouched. Restore the file from a backup, or remove the folder.',
        { path },
      );
    }
  }

  /** All runs are in line when it returns; when it throws (a full disk), none is. */
  async add(
    kind: SweepKind,
    name: string,
    definition: unknown,
    runs: readonly NewRun[],
  ): Promise<SweepRecord> {
    mkdirSync(this.#root, { recursive: true });
    const id = `${stampedName(name)}-${randomBytes(2).toString('hex')}`;
    const building = ownFolder(join(this.#root, ownName(NEW)));
    try {
      const made = await makeRuns(building, id, name, 0, runs);
      const record: SweepRecord = {
        ...{ v: 1, id, kind, name, createdAt: new Date().toISOString(), definition },
        ...{ runs: made.runs, additions: [made.folder] },
      };
      writeJsonAtomic(join(building, RECORD), record);
      if (!renameUnlessTaken(building, join(this.#root, id)))
        throw new CollieError('internal', `The name ${id} is taken.`);
      this.settle();
      return record;
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  }

  /** More runs of a sweep, all of them or none. Returns their ids. */
  async extend(id: string, definition: unknown, runs: readonly NewRun[]): Promise<string[]> {
    const { name } = this.get(id);
    const folder = join(this.#root, id);
    const lock = join(folder, LOCK);
    if (!takeLock(lock, processRef(process.pid)))
      throw new CollieError(
        'request.invalid',
        `The sweep ${id} is being changed by another window.`,
        'Try again in a moment.',
        { id },
      );
    try {
      const before = this.get(id);
      const made = await makeRuns(folder, id, name, before.runs.length, runs);
      const additions = [...before.additions.filter((one) => existsSync(join(folder, one))), made.folder];
      try {
        writeJsonAtomic(join(folder, RECORD), {
          ...{ ...before, definition, additions },
          runs: [...before.runs, ...made.runs],
        } satisfies SweepRecord);
      } catch (thrown) {
        rmSync(join(folder, made.folder), { recursive: true, force: true });
        throw thrown;
      }
      this.settle();
      return made.runs.map((run) => run.id);
    } finally {
      rmSync(lock, { force: true });
    }
  }

  /** Forgets a sweep; its runs stay. */
  async remove(id: string): Promise<void> {
    this.get(id);
    this.settle();
    const trash = join(this.#root, `${REMOVED}${id}-${randomBytes(3).toString('hex')}`);
    renameSync(join(this.#root, id), trash);
    await rm(trash, { recursive: true, force: true });
  }

  /** Moves runs of finished additions to their place. Costs a look into each sweep's folder when there are none. */
  settle(): void {
    for (const id of names(this.#root)) {
      const folder = join(this.#root, id);
      const waiting = names(folder, ADDING);
      if (waiting.length === 0) continue;
      try {
        const { additions } = this.get(id);
        for (const name of waiting) if (additions.includes(name)) this.#move(join(folder, name));
      } catch {
        // Removed, or unreadable: looked at again the next time.
      }
    }
  }

  /** Takes away what a process that was killed has not finished. */
  async sweep(): Promise<void> {
    this.settle();
    await removeLeftovers(this.#root, NEW);
    for (const name of await readdir(this.#root).catch(() => []))
      if (name.startsWith(REMOVED)) await rm(join(this.#root, name), { recursive: true, force: true });
      else if (!name.startsWith('.')) await removeLeftovers(join(this.#root, name), ADDING);
  }

  #move(folder: string): void {
    // Tags first: a run is never seen without them.
    const parts = readdirSync(folder).sort(
      (a, b) => Number(b.endsWith('.json')) - Number(a.endsWith('.json')),
    );
    for (const name of parts) {
      try {
        renameSync(join(folder, name), join(this.#home, 'runs', name));
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown; // Moved by another.
      }
    }
    try {
      rmdirSync(folder);
    } catch {
      // Another was quicker, or something is left: then it is looked at again.
    }
  }
}

/** Of a folder that may not be there; hidden ones only by their prefix. */
function names(folder: string, prefix?: string): string[] {
  try {
    return readdirSync(folder).filter((name) =>
      prefix === undefined ? !name.startsWith('.') : name.startsWith(prefix),
    );
  } catch {
    return [];
  }
}

/** Run folders with their tags under a name of our own; nothing of it counts before the record names it. */
async function makeRuns(
  parent: string,
  sweep: string,
  tag: string,
  first: number,
  runs: readonly NewRun[],
): Promise<{ folder: string; runs: SweepRun[] }> {
  const folder = ownFolder(join(parent, ownName(ADDING)));
  try {
    const made: SweepRun[] = [];
    for (const [place, { spec, entry, values, seed }] of runs.entries()) {
      const id = `${sweep}-${String(first + place + 1).padStart(3, '0')}`;
      const own = { ...entry, sweep };
      writeNewRun(join(folder, id), spec, { entry: own });
      writeNewStatus(join(folder, id), id, spec, own);
      await writeTags(join(folder, id), [tag]);
      made.push({ id, values, seed });
    }
    return { folder: basename(folder), runs: made };
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}
