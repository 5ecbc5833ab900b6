/** One supervisor a run: supervisor.json says who it is, and which training process it started. */
import { linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  processRefSchema,
  readSupervisorFile,
  type SupervisorFile,
  writeJsonAtomic,
} from '../server/runs/folder.ts';
import { isAlive, type ProcessRef, processRef } from '../server/runs/process.ts';
import { isLive, savedStatus } from '../server/runs/status.ts';
import { CollieError } from '../shared/errors.ts';
import { runFiles } from '../shared/runs/run-folder.ts';

const ENDING_MS = 10_000;

export class Claim {
  readonly #path: string;
  #file: SupervisorFile;

  private constructor(path: string, file: SupervisorFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Throws run.not_resumable while another supervisor owns the run. */
  static async take(runDir: string, socket: string): Promise<Claim> {
    const former = readSupervisorFile(runDir);
    if (former && !(await ends(runDir, former.supervisor))) {
      const { pid } = former.supervisor;
      const message = `Process ${pid} already supervises this run.`;
      throw new CollieError('run.not_resumable', message, 'Watch it on its page, or stop it first.', { pid });
    }
    const orphan = former?.rank && isAlive(former.rank) ? former.rank : null;
    const file: SupervisorFile = { v: 1, supervisor: processRef(process.pid), socket, rank: orphan };
    const claim = new Claim(join(runDir, runFiles.socket), file);
    claim.#put(runDir, former);
    return claim;
  }

  /** The training process of a supervisor that died, while it still saves its work. */
  get orphan(): ProcessRef | null {
    const { rank } = this.#file;
    return rank && isAlive(rank) ? rank : null;
  }

  setRank(pid: number | null): void {
    this.#file = { ...this.#file, rank: pid === null ? null : processRef(pid) };
    this.#write();
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    writeJsonAtomic(this.#path, this.#file);
  }

  /** Puts our file in place of `former`, but never in place of a newer one: of two supervisors that start at once, one loses. */
  #put(runDir: string, former: SupervisorFile | null): void {
    const lock = `${this.#path}.lock`;
    takeLock(lock, this.#file.supervisor);
    try {
      const now = readSupervisorFile(runDir);
      if (now && !(former && isSame(now.supervisor, former.supervisor))) throw taken();
      // Readers see the former or this, never none: without a supervisor a live run would look like a failed one.
      this.#write();
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

const isSame = (left: ProcessRef, right: ProcessRef) => left.pid === right.pid && left.start === right.start;
const taken = () =>
  new CollieError(
    'run.not_resumable',
    'Another supervisor has just taken this run over.',
    'Watch it on its page.',
  );

/** Linking fails when the name is taken. The lock of one that died is moved away, which tells what was moved. */
function takeLock(lock: string, own: ProcessRef): void {
  const file = `${lock}.${process.pid}`;
  const stale = `${file}.stale`;
  writeJsonAtomic(file, own);
  try {
    if (linked(file, lock)) return;
    const holder = lockHolder(lock);
    if (holder && isAlive(holder)) throw taken();
    renameSync(lock, stale);
    const moved = lockHolder(stale);
    if (moved && isAlive(moved)) {
      linked(stale, lock); // A new one, taken in between: back to it.
      throw taken();
    }
    if (!linked(file, lock)) throw taken();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw taken(); // Its holder was quicker.
    throw error;
  } finally {
    for (const path of [file, stale]) rmSync(path, { force: true });
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function lockHolder(path: string): ProcessRef | null {
  try {
    return processRefSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null; // Gone, or torn by a crash.
  }
}

/** A supervisor that has written its last status is about to end: a quick resume waits for that. */
async function ends(runDir: string, supervisor: ProcessRef): Promise<boolean> {
  const patience = performance.now() + ENDING_MS;
  while (isAlive(supervisor)) {
    if (isLive(savedStatus(runDir, basename(runDir))) || performance.now() > patience) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
