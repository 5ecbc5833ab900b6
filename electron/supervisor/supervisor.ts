/**
 * One run, from its data to its last state: prepare, start the rank, follow its events, pass commands on, and say how it
 * ended. Nothing here knows who watches: hosts come and go, files and the control socket are all they get.
 */
import { dirname, join } from 'node:path';
import type { ControlCommand } from '../server/runs/control.ts';
import { socketPath } from '../server/runs/control.ts';
import { endOfLines, LineReader } from '../server/runs/event-file.ts';
import { newestCheckpoint, readSpec, readStatus } from '../server/runs/folder.ts';
import type { StartMode } from '../server/runs/launch.ts';
import { isAlive } from '../server/runs/process.ts';
import { CollieError, type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import type { EventPayload, RunEvent } from '../shared/events.ts';
import { eventsFile } from '../shared/run-folder.ts';
import type { RunSpec } from '../shared/run-spec.ts';
import { Claim } from './claim.ts';
import { type ControlServer, listenForCommands } from './control-server.ts';
import { recordEnvironment } from './environment.ts';
import { type Log, openLog } from './log.ts';
import { prepareData, sampleDecoder } from './prepare.ts';
import { type RankExit, RankProcess } from './rank-process.ts';
import { readEvent, SampleFile } from './samples.ts';
import { applyEvent, StatusFile } from './status.ts';
import { StepClock } from './step-clock.ts';

const POLL_MS = 150;
/** A rank that was asked to stop and shows no sign of life for so long is ended by force. */
const STOP_PATIENCE_MS = 10 * 60_000;
/** An orphaned rank gets so long to save its work before it is ended by force. */
const ORPHAN_PATIENCE_MS = 10 * 60_000;

type Wish = 'go' | 'stop' | 'kill';

export class Supervisor {
  readonly #runDir: string;
  readonly #mode: StartMode;
  readonly #log: Log;
  readonly #abort = new AbortController();
  readonly #clock = new StepClock();
  readonly #status: StatusFile;
  #wish: Wish = 'go';
  #rank: RankProcess | null = null;
  #lastSign = Date.now();
  #error: EventPayload<'error'> | null = null;
  #finished: EventPayload<'finished'> | null = null;

  constructor(runDir: string, mode: StartMode) {
    this.#runDir = runDir;
    this.#mode = mode;
    this.#log = openLog(runDir);
    this.#status = new StatusFile(runDir, readStatus(runDir), this.#log);
  }

  /** Resolves when the run has ended, in whatever state. Throws only when another supervisor owns it. */
  async run(): Promise<void> {
    const socket = socketPath(this.#runDir, dirname(dirname(this.#runDir)));
    const { claim, server } = await this.#takeOver(socket);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#command('stop'));
    process.on('SIGHUP', () => {}); // A closed terminal is no reason to end.
    try {
      await this.#attempt(claim);
    } catch (thrown) {
      this.#rank?.kill();
      this.#end(thrown);
    } finally {
      server.close();
      claim.release();
    }
  }

  async #takeOver(socket: string): Promise<{ claim: Claim; server: ControlServer }> {
    const server = await listenForCommands(socket, (command) => this.#command(command));
    try {
      const claim = await Claim.take(this.#runDir, socket);
      this.#status.update({
        state: 'preparing',
        phase: 'Starting',
        phaseProgress: null,
        etaSeconds: null,
        attempt: this.#status.value.attempt + 1,
        startedAt: this.#status.value.startedAt ?? new Date().toISOString(),
        finishedAt: null,
        error: null,
        supervisorPid: process.pid,
      });
      this.#status.flush();
      return { claim, server };
    } catch (thrown) {
      server.close();
      throw thrown;
    }
  }

  async #attempt(claim: Claim): Promise<void> {
    const spec = readSpec(this.#runDir);
    await this.#waitForOrphan(claim);
    await this.#prepare(spec);
    if (this.#wish !== 'go') return this.#end(null);
    const resumeFrom = this.#mode === 'resume' ? (newestCheckpoint(this.#runDir)?.name ?? null) : null;
    await this.#recordAttempt(spec, resumeFrom);
    const samples = new SampleFile(this.#runDir, spec, sampleDecoder(spec));
    await samples.rebuild(this.#runDir);
    const exit = await this.#train(claim, samples, resumeFrom);
    this.#conclude(exit);
  }

  /** The rank of a supervisor that died notices the end of its input, saves and ends; two ranks would spoil each other. */
  async #waitForOrphan(claim: Claim): Promise<void> {
    const orphan = claim.orphan;
    if (!orphan) return;
    this.#log(`waiting for process ${orphan.pid} of the last attempt to save its work`);
    this.#status.update({ phase: 'Waiting for the last attempt to save' });
    const patience = Date.now() + ORPHAN_PATIENCE_MS;
    while (isAlive(orphan)) {
      if (Date.now() > patience) process.kill(orphan.pid, 'SIGKILL');
      await delay(POLL_MS);
    }
    claim.setRank(null);
  }

  async #prepare(spec: RunSpec): Promise<void> {
    this.#status.update({ phase: 'Tokenizing', phaseProgress: 0 });
    const { signal } = this.#abort;
    const started = Date.now();
    try {
      const lines = await prepareData(this.#runDir, spec, {
        signal,
        progress: (fraction) => this.#status.update({ phaseProgress: fraction }),
      });
      for (const line of lines) this.#log(line);
      this.#log(`data ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  async #recordAttempt(spec: RunSpec, resumedFrom: string | null): Promise<void> {
    const { attempt } = this.#status.value;
    this.#log(`attempt ${attempt}: ${resumedFrom ? `resuming from ${resumedFrom}` : 'starting at step 0'}`);
    await recordEnvironment(this.#runDir, spec, {
      attempt,
      startedAt: new Date().toISOString(),
      resumedFrom,
    });
  }

  async #train(claim: Claim, samples: SampleFile, resumeFrom: string | null): Promise<RankExit> {
    const path = join(this.#runDir, eventsFile(0));
    const events = new LineReader(path, endOfLines(path));
    const rank = new RankProcess(this.#runDir, resumeFrom);
    this.#rank = rank;
    claim.setRank(rank.pid);
    this.#status.update({ state: 'starting', phase: 'Starting the engine', phaseProgress: null });
    this.#passWish();
    let exit: RankExit | null = null;
    const noteExit = (value: RankExit) => {
      exit = value;
    };
    // A rank that could not be started rejects; the race below throws that.
    rank.exited.then(noteExit, () => {});
    for (;;) {
      const ended = exit !== null;
      const lines = await events.next();
      for (const line of lines) await this.#see(line, samples);
      if (lines.length > 0) continue;
      // Ended before that last look: nothing more will come.
      if (ended) break;
      this.#watchStop();
      await Promise.race([rank.exited, delay(POLL_MS)]);
    }
    claim.setRank(null);
    return rank.exited;
  }

  async #see(line: string, samples: SampleFile): Promise<void> {
    const event = readEvent(line);
    if (event === null) return this.#log(`unreadable event: ${line.slice(0, 200)}`);
    this.#lastSign = Date.now();
    if (event.type === 'error') this.#error = event.payload;
    if (event.type === 'finished') this.#finished = event.payload;
    this.#status.update(applyEvent(this.#status.value, event, this.#clock));
    await this.#decode(event, samples);
  }

  async #decode(event: RunEvent, samples: SampleFile): Promise<void> {
    try {
      await samples.see(event);
    } catch (thrown) {
      this.#log(`a sample could not be written: ${toErrorInfo(thrown).message}`);
    }
  }

  #command(command: ControlCommand): void {
    if (command === 'ping') return;
    if (command === 'save' || command === 'sample') {
      if (!this.#rank || this.#wish !== 'go') throw notTraining(command, this.#status.value.phase);
      this.#rank.send(command);
      return;
    }
    this.#log(command === 'stop' ? 'asked to stop' : 'asked to end at once');
    this.#wish = command;
    this.#lastSign = Date.now();
    this.#status.update({ state: 'stopping', phase: 'Stopping' });
    this.#status.flush();
    this.#abort.abort();
    this.#passWish();
  }

  #passWish(): void {
    if (this.#wish === 'stop') this.#rank?.send('stop');
    if (this.#wish === 'kill') this.#rank?.kill();
  }

  #watchStop(): void {
    if (this.#wish !== 'stop' || Date.now() - this.#lastSign < STOP_PATIENCE_MS) return;
    this.#log('the training process does not stop: ending it by force');
    this.#rank?.kill();
  }

  #conclude(exit: RankExit): void {
    const checkpoint = newestCheckpoint(this.#runDir)?.name ?? null;
    if (exit.code === 0 && this.#finished) this.#end(null, this.#finished.reason);
    else if (this.#wish === 'kill') this.#end(null);
    else this.#end(this.#rank?.failure(exit, this.#error, this.#runDir, checkpoint));
  }

  /** Writes the last state. `thrown` null: the run ended as wished. */
  #end(thrown: unknown, reason: 'completed' | 'stopped' = 'stopped'): void {
    const error: ErrorInfo | null = thrown === null ? null : toErrorInfo(thrown);
    const state = error ? 'failed' : reason;
    this.#log(error ? `failed: ${error.code} ${error.message}` : `ended: ${reason}`);
    this.#status.update({
      state,
      phase: { failed: 'Failed', completed: 'Completed', stopped: 'Stopped' }[state],
      phaseProgress: state === 'completed' ? 1 : null,
      etaSeconds: null,
      tokensPerSecond: null,
      finishedAt: new Date().toISOString(),
      checkpoint: newestCheckpoint(this.#runDir)?.name ?? null,
      error,
      supervisorPid: null,
    });
    this.#status.flush();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function notTraining(command: string, phase: string): CollieError {
  return new CollieError(
    'run.not_live',
    `The run cannot ${command} now: it is in phase "${phase}".`,
    'Try again once it trains.',
    { phase },
  );
}
