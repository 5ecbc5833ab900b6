/** One supervisor a run: supervisor.json says who it is, and which training process it started. */
import { existsSync, linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  readStatus,
  readSupervisorFile,
  type SupervisorFile,
  writeJsonAtomic,
} from '../server/runs/folder.ts';
import { isAlive, type ProcessRef, processRef } from '../server/runs/process.ts';
import { isLive } from '../server/runs/status.ts';
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

  /** Throws request.invalid while another supervisor owns the run. */
  static async take(runDir: string, socket: string): Promise<Claim> {
    const former = readSupervisorFile(runDir);
    if (former && !(await ends(runDir, former.supervisor))) {
      const { pid } = former.supervisor;
      throw new CollieError('request.invalid', `Process ${pid} already supervises this run.`, '', { pid });
    }
    const orphan = former?.rank && isAlive(former.rank) ? former.rank : null;
    const file: SupervisorFile = { v: 1, supervisor: processRef(process.pid), socket, rank: orphan };
    const claim = new Claim(join(runDir, runFiles.socket), file);
    claim.#put(former);
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

  /**
   * Puts our file in place of `former`, but never in place of a newer one: of two supervisors that start at once, one loses.
   * Linking fails when the name is taken, renaming away tells what it took.
   */
  #put(former: SupervisorFile | null): void {
    const own = `${this.#path}.${process.pid}.claim`;
    const old = `${this.#path}.${process.pid}.former`;
    writeJsonAtomic(own, this.#file);
    try {
      if (existsSync(this.#path)) {
        renameSync(this.#path, old);
        if (former && !sameFile(old, former)) renameSync(old, this.#path);
      }
      linkSync(own, this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new CollieError('request.invalid', 'Another supervisor has just taken this run over.');
    } finally {
      rmSync(own, { force: true });
      rmSync(old, { force: true });
    }
  }
}

function sameFile(path: string, file: SupervisorFile): boolean {
  const { pid, start } = file.supervisor;
  const text = JSON.parse(readFileSync(path, 'utf8')) as SupervisorFile;
  return text.supervisor.pid === pid && text.supervisor.start === start;
}

/** A supervisor that has written its last status is about to end: a quick resume waits for that. */
async function ends(runDir: string, supervisor: ProcessRef): Promise<boolean> {
  const patience = Date.now() + ENDING_MS;
  while (isAlive(supervisor)) {
    if (isLive(readStatus(runDir)) || Date.now() > patience) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
