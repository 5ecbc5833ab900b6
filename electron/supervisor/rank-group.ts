/** The processes of one attempt: one `collie-rank`, or mpirun with several; controlled over its standard input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { allotment } from '../server/rank/batch-system.ts';
import { rankEnvironment, requireMpirun, requireRank } from '../server/rank/rank.ts';
import { readRange } from '../server/runs/folder.ts';
import type { ProcessRef } from '../server/runs/process.ts';
import { rankLog, runFiles } from '../shared/runs/run-folder.ts';
import { worldSize } from '../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import { killAll, processTree } from './process-tree.ts';
import { launchCommand } from './rank-command.ts';
import type { Evidence, RankExit } from './rank-failure.ts';

const TAIL_BYTES = 64 * 1024;
const FULL_BYTES = 1024 * 1024;

export class RankGroup {
  readonly exited: Promise<RankExit>;
  readonly #child: ChildProcess;
  readonly #runDir: string;
  readonly #world: number;
  /** Sizes of the logs when the attempt began, by path in the run folder. */
  readonly #logStart: ReadonlyMap<string, number>;

  /** `work`: the command of collie-rank. Throws engine.not_built, setup.failed without mpirun. A program that cannot be started shows in `exited` as a rejection. */
  constructor(runDir: string, spec: RunSpec, work: string[]) {
    const { command, args, env } = launchCommand({
      program: requireRank(spec.device),
      rankEnv: rankEnvironment(),
      mpirun: requireMpirun,
      runDir,
      work,
      parallel: spec.parallel,
      hosts: spec.hosts,
      threads: spec.threads,
      ...machine(spec),
    });
    this.#runDir = runDir;
    this.#world = worldSize(spec.parallel);
    const direct = this.#world === 1 && spec.hosts.length === 0;
    const ownLog = direct ? rankLog(0) : runFiles.launcherLog;
    const logs = [...this.#rankLogs(), runFiles.launcherLog];
    this.#logStart = new Map(logs.map((path) => [path, this.#sizeOf(path)]));
    // The log is the child's own file, not a pipe through us: nothing it writes can be lost or block it.
    const log = openSync(join(runDir, ownLog), 'a', 0o600);
    try {
      this.#child = spawn(command, args, { stdio: ['pipe', log, log], env: { ...process.env, ...env } });
    } finally {
      closeSync(log);
    }
    this.#child.stdin?.on('error', () => {}); // Writing to a rank that has just ended; its exit says why.
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.exited.catch(() => {});
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Reaches rank 0, who tells the others. */
  tell<M extends { command: string }>(message: M): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends all ranks at once, with what is known of them: the tree below us is lost once mpirun is gone. */
  kill(known: readonly ProcessRef[]): void {
    const { pid, exitCode, signalCode } = this.#child;
    // The id of one that has ended, by itself or by a signal, may be somebody else's by now.
    const runs = pid !== undefined && exitCode === null && signalCode === null;
    killAll([...(runs ? processTree(pid) : []), ...known]);
  }

  /** What the files of this attempt say about its end. */
  evidence(): Pick<Evidence, 'world' | 'logs' | 'launcher' | 'diskFull' | 'runDir'> {
    return {
      world: this.#world,
      logs: this.#rankLogs().map((path) => this.#written(path)),
      launcher: this.#written(runFiles.launcherLog),
      diskFull: diskIsFull(this.#runDir),
      runDir: this.#runDir,
    };
  }

  #rankLogs(): string[] {
    return Array.from({ length: this.#world }, (_, rank) => rankLog(rank));
  }

  #sizeOf(path: string): number {
    return statSync(join(this.#runDir, path), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The end of what was written in this attempt. */
  #written(path: string): string {
    const size = this.#sizeOf(path);
    const from = Math.max(this.#logStart.get(path) ?? 0, size - TAIL_BYTES);
    return size <= from ? '' : readRange(join(this.#runDir, path), from, size).toString('utf8');
  }
}

/** What this process may use, and whether a batch system says so. */
function machine({ hosts }: RunSpec) {
  const allotted = allotment(hosts);
  const cores = allotted?.coresPerRank ?? availableParallelism();
  return { cores, isRoot: process.getuid?.() === 0, allotted: allotted !== null };
}

function diskIsFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize < FULL_BYTES;
}
