/** The training process: `collie-rank train`, controlled over its standard input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorLine, requireRank } from '../server/rank/rank.ts';
import { readRange } from '../server/runs/folder.ts';
import { lastLines, resumeHint } from '../server/runs/status.ts';
import { CollieError } from '../shared/errors.ts';
import type { EventPayload } from '../shared/events.ts';
import { rankLog } from '../shared/run-folder.ts';

export type RankCommand = 'stop' | 'save' | 'sample';

export interface RankExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class RankProcess {
  readonly exited: Promise<RankExit>;
  readonly #child: ChildProcess;
  readonly #logPath: string;
  readonly #logStart: number;

  /** Throws engine.not_built. A program that cannot be started shows in `exited` as a rejection. */
  constructor(runDir: string, resumeFrom: string | null) {
    const program = requireRank();
    const resume = resumeFrom === null ? [] : ['--resume', resumeFrom];
    this.#logPath = join(runDir, rankLog(0));
    // The log is the child's own file, not a pipe through us: nothing it writes can be lost or block it.
    const log = openSync(this.#logPath, 'a', 0o600);
    this.#logStart = statSync(this.#logPath).size;
    try {
      this.#child = spawn(program, ['train', '--run', runDir, ...resume], { stdio: ['pipe', log, log] });
    } finally {
      closeSync(log);
    }
    this.#child.stdin?.on('error', () => {}); // Writing to a rank that has just ended; its exit says why.
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.exited.catch(() => {});
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  send(command: RankCommand): void {
    this.#child.stdin?.write(`${JSON.stringify({ command })}\n`);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Why it ended without finishing: its own error line, a full disk, or how the system ended it. */
  failure(
    exit: RankExit,
    event: EventPayload<'error'> | null,
    runDir: string,
    checkpoint: string | null,
  ): CollieError {
    const written = readRange(this.#logPath, this.#logStart, statSync(this.#logPath).size).subarray(
      -64 * 1024,
    );
    const own = event ? CollieError.fromInfo(event) : errorLine(written.toString('utf8'));
    if (own) return own;
    const hint = resumeHint(checkpoint);
    if (diskIsFull(runDir)) {
      const message = `The disk of ${runDir} is full, and the training process ended.`;
      return new CollieError('disk.full', message, `Free some space. ${hint}`, { path: runDir });
    }
    return diedError(exit, hint, lastLines(this.#logPath, 20));
  }
}

const FULL_BYTES = 1024 * 1024;

function diskIsFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize < FULL_BYTES;
}

function diedError({ code, signal }: RankExit, hint: string, log: string): CollieError {
  const how = signal ? `was ended by signal ${signal}` : `ended with exit code ${code}`;
  const memory =
    signal === 'SIGKILL' ? ' The system may have run out of memory: a smaller micro batch needs less.' : '';
  const message = `The training process ${how} without saying why.`;
  return new CollieError('rank.died', message, `${hint}${memory}`, { code, signal, log });
}
