/** One supervisor a run: supervisor.json says who it is, and which training process it started. */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readSupervisorFile, type SupervisorFile, writeJsonAtomic } from '../server/runs/folder.ts';
import { takeLock } from '../server/runs/lock.ts';
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

  /**
   * Throws run.not_resumable while another supervisor owns the run, and when the attempt that was asked for has been made already: who
   * starts runs may ask twice, after a crash, and an attempt can be over before the second asks.
   */
  static async take(runDir: string, socket: string, attempt: number | null = null): Promise<Claim> {
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
    claim.#requireNew(runDir, attempt);
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

  #requireNew(runDir: string, attempt: number | null): void {
    const made = savedStatus(runDir, basename(runDir)).attempt;
    if (attempt === null || made < attempt) return;
    this.release();
    const message = `Attempt ${attempt} of this run has been made already.`;
    throw new CollieError(
      'run.not_resumable',
      message,
      'Look at the run, then resume it if it is not complete.',
    );
  }

  #write(): void {
    writeJsonAtomic(this.#path, this.#file);
  }

  /** Puts our file in place of `former`, but never in place of a newer one: of two supervisors that start at once, one loses. */
  #put(runDir: string, former: SupervisorFile | null): void {
    const lock = `${this.#path}.lock`;
    if (!takeLock(lock, this.#file.supervisor)) throw taken();
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

/** A supervisor that has written its last status is about to end: a quick resume waits for that. */
async function ends(runDir: string, supervisor: ProcessRef): Promise<boolean> {
  const patience = performance.now() + ENDING_MS;
  while (isAlive(supervisor)) {
    if (isLive(savedStatus(runDir, basename(runDir))) || performance.now() > patience) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
