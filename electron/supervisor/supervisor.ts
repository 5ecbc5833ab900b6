/**
 * One run, from its data to its last state: prepare, start the rank, follow its events, pass commands on, and say how it
 * ended. Nothing here knows who watches: hosts come and go, files and the control socket are all they get.
 */
import { basename, dirname } from 'node:path';
import { listCheckpoints, newestCheckpoint } from '../server/runs/checkpoints.ts';
import type { ControlRequest } from '../server/runs/control.ts';
import { socketPath } from '../server/runs/control.ts';
import { readEvaluates, readSpec, specNotes } from '../server/runs/folder.ts';
import type { StartMode } from '../server/runs/launch.ts';
import { savedStatus } from '../server/runs/status.ts';
import { readSettings } from '../server/settings/settings.ts';
import { type CollieError, type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import type { Evaluates } from '../shared/runs/evaluates.ts';
import type { RunEvent, Sample } from '../shared/runs/events.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import { AlarmBook } from './alarm-book.ts';
import { Attempt } from './attempt.ts';
import { Callbacks } from './callbacks/callbacks.ts';
import { Claim } from './claim.ts';
import { type ControlServer, listenForCommands, notTraining } from './control-server.ts';
import { EarlyStop } from './early-stop.ts';
import { recordEnvironment } from './environment.ts';
import { evaluateArguments, requireWeights, trainsNothing } from './evaluated.ts';
import { KeptRequests } from './kept-requests.ts';
import { type Log, openLog } from './log.ts';
import { type Monitors, monitorsOf } from './monitors/monitors.ts';
import { waitForOrphan } from './orphan.ts';
import { prepareData, prepareToEvaluate, sampleDecoder } from './prepare.ts';
import { trainArguments } from './rank-command.ts';
import { besideCheckpoint, refusalOf, restarted, startingPoint, unrecovered } from './recovery.ts';
import { SampleFile } from './samples.ts';
import { ScoreTurn } from './score-turn.ts';
import { applyEvent, firstStatus, lastStatus, StatusFile } from './status.ts';
import { type Clock, ProgressClock, StepClock } from './step-clock.ts';
import { Webhook } from './webhook.ts';

type RequestedAction = 'go' | 'stop' | 'kill';

export class Supervisor {
  readonly #runDir: string;
  readonly #mode: StartMode;
  readonly #asked: number | null;
  /** Of a run that trains nothing. */
  #evaluates: Evaluates | null = null;
  readonly #log: Log;
  readonly #abort = new AbortController();
  #clock: Clock = new StepClock();
  readonly #status: StatusFile;
  #scores: ScoreTurn | null = null;
  #callbacks: Callbacks | null = null;
  /** Of a run that trains. */
  #monitors: Monitors | null = null;
  #requested: RequestedAction = 'go';
  /** Null: there are no ranks, and nobody to pass commands to. */
  #attempt: Attempt | null = null;
  readonly #alarms: AlarmBook;
  #earlyStop: EarlyStop | null = null;
  readonly #kept = new KeptRequests();
  /** Why the run ends before its time, as the phase that says so. */
  #early: string | null = null;

  /** `attempt`: which one is asked for; null: the next, whatever it is. */
  constructor(runDir: string, mode: StartMode, attempt: number | null = null) {
    this.#runDir = runDir;
    this.#mode = mode;
    this.#asked = attempt;
    this.#log = openLog(runDir);
    this.#status = new StatusFile(runDir, savedStatus(runDir, basename(runDir)), this.#log);
    const webhook = new Webhook(() => readSettings(dirname(dirname(runDir))).webhook, this.#log);
    this.#alarms = new AlarmBook(runDir, this.#status, this.#log, webhook);
  }

  /** Resolves when the run has ended, in whatever state. Throws only when another supervisor owns it. */
  async run(): Promise<void> {
    const socket = socketPath(this.#runDir, dirname(dirname(this.#runDir)));
    const { claim, server } = await this.#takeOver(socket);
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => this.#command({ command: 'stop' }));
    process.on('SIGHUP', () => {}); // A closed terminal is no reason to end.
    try {
      await this.#supervise(claim);
    } catch (thrown) {
      this.#attempt?.kill();
      await this.#end(thrown);
    } finally {
      this.#callbacks?.kill();
      server.close();
      claim.release();
    }
  }

  async #takeOver(socket: string): Promise<{ claim: Claim; server: ControlServer }> {
    const server = await listenForCommands(socket, (request) => this.#command(request));
    try {
      const claim = await Claim.take(this.#runDir, socket, this.#asked);
      this.#status.update(firstStatus(this.#status.value));
      this.#status.flush();
      return { claim, server };
    } catch (thrown) {
      server.close();
      throw thrown;
    }
  }

  async #supervise(claim: Claim): Promise<void> {
    const spec = readSpec(this.#runDir);
    this.#evaluates = readEvaluates(this.#runDir);
    if (this.#evaluates) {
      requireWeights(this.#runDir, this.#evaluates, spec);
      this.#clock = new ProgressClock();
    }
    for (const note of specNotes(this.#runDir)) this.#log(note);
    if (claim.orphan) this.#status.update({ phase: 'Waiting for the last attempt to save' });
    await waitForOrphan(claim, this.#log, () => this.#requested === 'kill');
    await this.#prepare(spec);
    if (this.#requested !== 'go') return this.#end(null);
    const decode = sampleDecoder(spec);
    this.#earlyStop = new EarlyStop(this.#runDir);
    const samples = new SampleFile(this.#runDir, spec, decode);
    this.#scores = new ScoreTurn(this.#runDir, spec, decode, {
      log: this.#log,
      status: this.#status,
      alarms: this.#alarms,
      going: () => this.#requested === 'go',
      signal: this.#abort.signal,
    });
    await samples.rebuild(this.#runDir);
    this.#startCallbacks(spec);
    if (!this.#evaluates) this.#monitors = monitorsOf(this.#runDir, spec, this.#log);
    let resumeFrom = startingPoint(this.#runDir, this.#mode, this.#log);
    let fruitless = 0;
    for (;;) {
      await this.#recordAttempt(spec, resumeFrom);
      if (this.#requested !== 'go') return this.#end(null);
      const { failure, finished } = await this.#train(claim, spec, samples, resumeFrom);
      const newest = newestCheckpoint(this.#runDir)?.name ?? null;
      if (failure === null && finished?.reason === 'restart' && this.#requested === 'go') {
        this.#log(`claiming memory anew, from ${newest}`);
        this.#attempt = null;
        this.#status.update({ attempt: this.#status.value.attempt + 1 });
        resumeFrom = newest;
        continue;
      }
      if (failure === null || this.#requested !== 'go')
        return this.#end(failure, finished?.reason === 'completed' ? 'completed' : 'stopped');
      fruitless = newest === resumeFrom ? fruitless + 1 : 0;
      const history = { restarts: this.#status.value.restarts.length, most: spec.recovery.max_restarts };
      const refusal = refusalOf(failure, { ...history, fruitless });
      if (refusal !== null) {
        const told = besideCheckpoint(failure, this.#runDir, resumeFrom, listCheckpoints(this.#runDir));
        return this.#end(unrecovered(told, refusal));
      }
      resumeFrom = newest;
      this.#recordRestart(failure, resumeFrom);
    }
  }

  #startCallbacks(spec: RunSpec): void {
    if (this.#evaluates) return;
    this.#callbacks = Callbacks.start(this.#runDir, basename(this.#runDir), spec, {
      log: this.#log,
      status: (callbacks) => this.#status.update({ callbacks }),
      request: (command, phase) => {
        if (this.#requested !== 'go') throw notTraining(command, this.#status.value.phase);
        this.#command(command === 'stop' ? { command, phase } : { command });
      },
    });
  }

  async #prepare(spec: RunSpec): Promise<void> {
    this.#status.update({ phase: 'Tokenizing', phaseProgress: 0 });
    const [{ signal }, started] = [this.#abort, performance.now()];
    try {
      const context = {
        signal,
        progress: (fraction: number) => this.#status.update({ phaseProgress: fraction }),
      };
      const lines = this.#evaluates
        ? await prepareToEvaluate(this.#runDir, spec, this.#evaluates, context)
        : await prepareData(this.#runDir, spec, context);
      for (const line of lines) this.#log(line);
      this.#log(`data ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
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

  /** The supervisor's own decision to try again; the ranks of the attempt before are all gone. */
  #recordRestart(failure: CollieError, checkpoint: string | null): void {
    const { restarts } = this.#status.value;
    const from = checkpoint ?? 'step 0';
    this.#log(
      `${failure.code}: ${failure.message} Starting again from ${from} (restart ${restarts.length + 1})`,
    );
    this.#attempt = null;
    this.#kept.resume();
    this.#status.update(restarted(this.#status.value, failure, checkpoint));
    this.#status.flush();
  }

  /** One attempt, from its start to its end. */
  async #train(claim: Claim, spec: RunSpec, samples: SampleFile, resumeFrom: string | null) {
    const work = this.#evaluates
      ? evaluateArguments(this.#runDir, this.#evaluates)
      : trainArguments(this.#runDir, resumeFrom);
    const attempt = new Attempt(this.#runDir, spec, work, {
      log: this.#log,
      see: (event) => this.#see(event, attempt, samples),
      ranks: (ranks) => this.#status.update({ ranks }),
      look: (pids) => this.#monitors?.look(pids),
      stopping: () => this.#requested === 'stop',
    });
    this.#attempt = attempt;
    claim.setRank(attempt.pid);
    this.#status.update({
      state: 'starting',
      phase: 'Starting the engine',
      phaseProgress: null,
      ranks: attempt.ranks,
    });
    this.#passRequest();
    this.#kept.tell(attempt);
    const exit = await attempt.follow();
    this.#monitors?.end();
    claim.setRank(null);
    return { failure: attempt.failure(exit, this.#requested === 'kill'), finished: attempt.finished };
  }

  async #see(event: RunEvent, attempt: Attempt, samples: SampleFile): Promise<void> {
    this.#alarms.see(event);
    // What all ranks go through together is told by the first.
    if (event.rank !== 0) return;
    this.#status.update(applyEvent(this.#status.value, event, this.#clock));
    if (event.type === 'evaluated') await this.#scores?.take(attempt, event.payload.set, event.step);
    const sample = await this.#decode(event, samples);
    this.#callbacks?.see(event, sample);
    this.#monitors?.see(event);
    const early = this.#requested === 'go' ? (this.#earlyStop?.see(event) ?? null) : null;
    if (early === null) return;
    this.#early = early;
    this.#command({ command: 'stop' });
  }

  async #decode(event: RunEvent, samples: SampleFile): Promise<Sample | null> {
    try {
      return await samples.see(event);
    } catch (thrown) {
      this.#log(`a sample could not be written: ${toErrorInfo(thrown).message}`);
      return null;
    }
  }

  #command(request: ControlRequest): void {
    const { command } = request;
    if (command === 'ping') return;
    if (command !== 'stop' && command !== 'kill') {
      if (this.#evaluates) throw trainsNothing(command);
      if (!this.#attempt || this.#requested !== 'go') throw notTraining(command, this.#status.value.phase);
      this.#kept.see(request, this.#status.value.step);
      this.#attempt.tell(request);
      return;
    }
    this.#log(command === 'stop' ? 'asked to stop' : 'asked to end at once');
    this.#requested = command;
    if (command === 'stop') this.#early ??= request.phase ?? null;
    this.#status.update({ state: 'stopping', phase: 'Stopping' });
    this.#status.flush();
    this.#abort.abort();
    this.#passRequest();
  }

  #passRequest(): void {
    if (this.#requested === 'stop') this.#attempt?.stop();
    if (this.#requested !== 'kill') return;
    this.#callbacks?.kill();
    this.#attempt?.kill();
  }

  /** Writes the last state, once callbacks have heard of it. `thrown` null: the run ended as requested. */
  async #end(thrown: unknown, reason: 'completed' | 'stopped' = 'stopped'): Promise<void> {
    const error: ErrorInfo | null = thrown === null ? null : toErrorInfo(thrown);
    if (this.#requested === 'kill') this.#callbacks?.kill();
    await this.#callbacks?.end(error ? 'failed' : reason, thrown);
    this.#log(error ? `failed: ${error.code} ${error.message}` : `ended: ${reason}`);
    const checkpoint = newestCheckpoint(this.#runDir)?.name ?? null;
    this.#status.update(lastStatus(error, reason, checkpoint));
    if (error === null && reason === 'stopped' && this.#early !== null)
      this.#status.update({ phase: this.#early });
    this.#status.flush();
  }
}
