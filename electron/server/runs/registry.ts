/** All runs of one COLLIE_HOME. Holds nothing that is not in the run folders: another host sees the same. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MethodResult } from '../../shared/api/api.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import type { Evaluates } from '../../shared/runs/evaluates.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { trustedCallbacks } from '../callbacks/record.ts';
import { ownName, removeLeftovers } from '../files/leftovers.ts';
import { ownFolder, renameUnlessTaken } from '../files/publish.ts';
import { AllowedJudges } from '../judge/allowed.ts';
import { chooseCheckpoint, rankedCheckpoints } from './checkpoints.ts';
import { type ControlRequest, sendCommand } from './control.ts';
import {
  readEvaluates,
  readSamples,
  readSpec,
  readStatus,
  readSupervisorFile,
  writeJsonAtomic,
} from './folder.ts';
import { launchSupervisor, type StartMode } from './launch.ts';
import { type RunKind, stampedName, writeNewRun, writeNewStatus } from './new-run.ts';
import { isAlive } from './process.ts';
import { environmentOf } from './rebuild.ts';
import { currentStatus, isLive, rankAlive } from './status.ts';

const REMOVED = '.removed-';
const NEW = '.new-';

export class RunRegistry {
  readonly #root: string;
  readonly #launching = new Set<string>();
  readonly #ended = new Map<string, { stamp: string; status: RunStatus }>();

  /** `home`: COLLIE_HOME. */
  constructor(home: string) {
    this.#root = join(home, 'runs');
    mkdirSync(this.#root, { recursive: true });
  }

  /** Makes the folder of a run that has not begun. `spec` is resolved; it is never written again. Returns the id. */
  create(spec: RunSpec, kind: RunKind = {}): string {
    // A folder of our own, whoever else makes a run now; giving it its name is what claims the name.
    const building = ownFolder(join(this.#root, ownName(NEW)));
    try {
      writeNewRun(building, spec, kind);
      for (const id of freeNames(spec.name)) {
        if (existsSync(join(this.#root, id))) continue;
        writeNewStatus(building, id, spec, kind.entry ?? null);
        if (renameUnlessTaken(building, join(this.#root, id))) return id;
      }
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
    throw new CollieError('internal', 'No name for a new run is free.');
  }

  /** Newest first. */
  list(): RunStatus[] {
    const statuses = this.ids().flatMap((id) => this.#tryStatus(id));
    return statuses.sort((left, right) => right.createdAt.localeCompare(left.createdAt));
  }

  /** A run begins with its spec: what lies there without one, such as the rest of a folder deleted by hand, is none. */
  ids(): string[] {
    const entries = readdirSync(this.#root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .filter((id) => existsSync(join(this.#root, id, runFiles.spec)));
  }

  /** The folder of a run. Throws run.not_found. */
  dir(id: string): string {
    const dir = join(this.#root, id);
    const inside = dirname(dir) === this.#root && !id.startsWith('.');
    if (inside && existsSync(join(dir, runFiles.spec))) return dir;
    throw new CollieError(
      'run.not_found',
      `There is no run ${id}.`,
      'The Runs page and `collie runs list` show those that are there.',
      { id },
    );
  }

  status(id: string): RunStatus {
    return currentStatus(this.dir(id), id);
  }

  spec(id: string): RunSpec {
    return readSpec(this.dir(id));
  }

  /** What a run evaluates that trains nothing; null: it trains. */
  evaluates(id: string): Evaluates | null {
    return readEvaluates(this.dir(id));
  }

  get(id: string): Omit<MethodResult<'runs.get'>, 'modelId'> {
    const path = this.dir(id);
    return {
      status: this.status(id),
      spec: readSpec(path),
      environment: environmentOf(path),
      checkpoints: rankedCheckpoints(path),
      samples: readSamples(path),
      evaluates: readEvaluates(path),
      path,
    };
  }

  /**
   * Starts a created run. Returns when its supervisor has taken it over. `attempt`: the one that is meant by who has seen the run wait; another may
   * have made it since, and then it throws run.not_resumable.
   */
  async start(id: string, attempt?: number): Promise<void> {
    await this.#launch(id, 'start', attempt);
  }

  /**
   * Goes on from the newest complete checkpoint, from an older one that is named, or from step 0 when there is none yet. Throws
   * run.not_resumable for a run that is live or complete, checkpoint.not_found.
   */
  async resume(id: string, checkpoint = '', attempt?: number): Promise<void> {
    const status = this.status(id);
    if (isLive(status)) throw notResumable(id, 'it is running', 'Stop it first, or just watch it.');
    if (status.state === 'completed') {
      throw notResumable(id, 'it is complete', 'Start a new run from its settings to train for longer.');
    }
    const from = checkpoint && chooseCheckpoint(this.dir(id), id, checkpoint);
    await this.#launch(id, from === '' ? 'resume' : `resume:${from}`, attempt);
  }

  /** Saves a checkpoint, then ends the run; `phase` says why, where it was not a user. Throws run.not_live. */
  async stop(id: string, phase?: string): Promise<void> {
    try {
      await this.control(id, { command: 'stop', phase });
    } catch (thrown) {
      // The socket may have been cleaned away under a living supervisor; a signal says the same.
      const pid = this.#liveSupervisorPid(id);
      if (pid === null || toErrorInfo(thrown).code !== 'run.not_live') throw thrown;
      process.kill(pid, 'SIGTERM');
    }
  }

  /** Sends one command to the supervisor. Throws run.not_live when the run is not going. */
  async control(id: string, request: ControlRequest): Promise<void> {
    const dir = this.dir(id);
    if (this.#liveSupervisorPid(id) === null) {
      const { state } = this.status(id);
      throw new CollieError(
        'run.not_live',
        `The run ${id} is not going (it is ${state}).`,
        state === 'completed' ? 'Continue it as a new run.' : 'Resume it first.',
        { id },
      );
    }
    await sendCommand(readSupervisorFile(dir)?.socket ?? '', request);
  }

  /** Deletes the folder of a run with everything in it. Throws request.invalid while anything of it lives. */
  async remove(id: string): Promise<void> {
    const dir = this.dir(id);
    if (isLive(this.status(id)) || rankAlive(dir)) {
      throw new CollieError('request.invalid', `The run ${id} is still going.`, 'Stop it first.', { id });
    }
    const trash = join(this.#root, `${REMOVED}${id}-${randomBytes(3).toString('hex')}`);
    renameSync(dir, trash);
    await rm(trash, { recursive: true, force: true });
  }

  /** Finishes removals that a crash has cut off, and takes away what was never finished. */
  async sweep(): Promise<void> {
    for (const name of readdirSync(this.#root)) {
      if (name.startsWith(REMOVED)) await rm(join(this.#root, name), { recursive: true, force: true });
    }
    await removeLeftovers(this.#root, NEW);
  }

  async #launch(id: string, mode: StartMode, attempt = this.status(id).attempt + 1): Promise<void> {
    const dir = this.dir(id);
    trustedCallbacks(dir, dirname(this.#root));
    this.#requireJudges(id);
    // Until the supervisor has signed in, only we know of it.
    if (this.#launching.has(id)) throw notResumable(id, 'it is being started', 'Wait a moment.');
    this.#launching.add(id);
    try {
      await launchSupervisor(dir, mode, attempt);
    } catch (thrown) {
      // Who lost against another supervisor has nothing to say of the run.
      if (toErrorInfo(thrown).code !== 'run.not_resumable') this.#recordFailedLaunch(id, thrown);
      throw thrown;
    } finally {
      this.#launching.delete(id);
    }
  }

  /** A spec that cannot be read names nobody: its supervisor says what is wrong with it. */
  #requireJudges(id: string): void {
    let spec: RunSpec;
    try {
      spec = this.spec(id);
    } catch {
      return;
    }
    new AllowedJudges(dirname(this.#root)).require(spec);
  }

  #recordFailedLaunch(id: string, thrown: unknown): void {
    const status = this.status(id);
    const now = new Date().toISOString();
    if (!isLive(status) || this.#liveSupervisorPid(id) !== null) return;
    const failed = {
      state: 'failed',
      phase: 'Failed',
      error: toErrorInfo(thrown),
      finishedAt: now,
      updatedAt: now,
    };
    writeJsonAtomic(join(this.dir(id), runFiles.status), { ...status, ...failed });
  }

  #liveSupervisorPid(id: string): number | null {
    const owner = readSupervisorFile(this.dir(id))?.supervisor ?? null;
    return owner && isAlive(owner) ? owner.pid : null;
  }

  /** Ended runs are read once per change of their file: lists are looked at twice a second. */
  #tryStatus(id: string): RunStatus[] {
    try {
      const { ino, mtimeMs, size } = statSync(join(this.#root, id, runFiles.status));
      const stamp = `${ino} ${mtimeMs} ${size}`;
      const known = this.#ended.get(id);
      if (known?.stamp === stamp) return [known.status];
      const status = this.status(id);
      if (readStatus(this.dir(id)).state === status.state && !isLive(status))
        this.#ended.set(id, { stamp, status });
      return [status];
    } catch {
      this.#ended.delete(id);
      return this.#unreadable(id);
    }
  }

  /** A run without a readable status is shown with its problem; what is no run, or removed meanwhile, is not. */
  #unreadable(id: string): RunStatus[] {
    try {
      return [this.status(id)];
    } catch {
      return [];
    }
  }
}

/** The first that is free is taken. */
function* freeNames(name: string): Generator<string> {
  const base = stampedName(name);
  yield base;
  for (let suffix = 2; suffix < 10_000; suffix += 1) yield `${base}-${suffix}`;
}

function notResumable(id: string, why: string, hint: string): CollieError {
  return new CollieError('run.not_resumable', `The run ${id} cannot be resumed: ${why}.`, hint, { id });
}
