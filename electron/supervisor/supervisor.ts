/**
 * One run, from its data to its last state: prepare, start the rank, follow its events, pass commands on, and say how it
 * ended. Nothing here knows who watches: hosts come and go, files and the control socket are all they get.
 */
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listCheckpoints, newestCheckpoint } from '../server/runs/checkpoints.ts';
import type { ControlRequest } from '../server/runs/control.ts';
import { socketPath } from '../server/runs/control.ts';
import { readEvaluates, readSpec, specNotes } from '../server/runs/folder.ts';
import type { StartMode } from '../server/runs/launch.ts';
import { resumeHint, savedStatus } from '../server/runs/status.ts';
import { readSettings } from '../server/settings/settings.ts';
import { type CollieError, type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import type { Evaluates } from '../shared/runs/evaluates.ts';
import { readEvent } from '../shared/runs/event-line.ts';
import type { EventPayload, RunEvent, Sample } from '../shared/runs/events.ts';
import { worldSize } from '../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import { AlarmBook } from './alarm-book.ts';
import { Callbacks } from './callbacks/callbacks.ts';
import { Claim } from './claim.ts';
import { type ControlServer, listenForCommands, notTraining } from './control-server.ts';
import { EarlyStop } from './early-stop.ts';
import { recordEnvironment } from './environment.ts';
import { evaluateArguments, requireWeights, trainsNothing } from './evaluated.ts';
import { KeptWishes } from './kept-wishes.ts';
import { type Log, openLog } from './log.ts';
import { type Monitors, monitorsOf } from './monitors/monitors.ts';
import { waitForOrphan } from './orphan.ts';
import { Patience } from './patience.ts';
import { prepareData, prepareToEvaluate, sampleDecoder } from './prepare.ts';
import { killAll } from './process-tree.ts';
import { Pulse } from './pulse.ts';
import { trainArguments } from './rank-command.ts';
import { RankEvents } from './rank-events.ts';
import { type RankError, type RankExit, rankFailure } from './rank-failure.ts';
import { RankGroup } from './rank-group.ts';
import { RankTable } from './rank-table.ts';
import {
  besideCheckpoint,
  refusalOf,
  requireFolder,
  restarted,
  startingPoint,
  unrecovered,
} from './recovery.ts';
import { SampleFile } from './samples.ts';
import { Scoring } from './scoring.ts';
import { applyEvent, lastStatus, StatusFile } from './status.ts';
import { type Clock, ProgressClock, StepClock } from './step-clock.ts';
import { Webhook } from './webhook.ts';

const POLL_MS = 150;
type Wish = 'go' | 'stop' | 'kill';

export class Supervisor {
  readonly #runDir: string;
  readonly #mode: StartMode;
  readonly #asked: number | null;
  /** Of a run that trains nothing. */
  #evaluates: Evaluates | null = null;
  readonly #log: Log;
  readonly #abort = new AbortController();
  /** Aborted once the ranks of the attempt have ended. */
  #gone = new AbortController();
  #clock: Clock = new StepClock();
  readonly #status: StatusFile;
  #scoring: Scoring | null = null;
  #callbacks: Callbacks | null = null;
  /** Of a run that trains. */
  #monitors: Monitors | null = null;
  #wish: Wish = 'go';
  #ranks: RankGroup | null = null;
  #table: RankTable | null = null;
  readonly #alarms: AlarmBook;
  readonly #patience = new Patience();
  #earlyStop: EarlyStop | null = null;
  #pulse = new Pulse(Number.POSITIVE_INFINITY);
  /** Held between two steps: ranks that do nothing then are not stuck. */
  #paused = false;
  readonly #kept = new KeptWishes();
  #errors: RankError[] = [];
  #finished: EventPayload<'finished'> | null = null;
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
      await this.#attempt(claim);
    } catch (thrown) {
      this.#kill();
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
      this.#status.update({
        state: 'preparing',
        phase: 'Starting',
        phaseProgress: null,
        etaSeconds: null,
        attempt: this.#status.value.attempt + 1,
        startedAt: this.#status.value.startedAt ?? new Date().toISOString(),
        finishedAt: null,
        error: null,
        ranks: [],
        restarts: [],
        callbacks: [],
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
    this.#evaluates = readEvaluates(this.#runDir);
    if (this.#evaluates) {
      requireWeights(this.#runDir, this.#evaluates, spec);
      this.#clock = new ProgressClock();
    }
    for (const note of specNotes(this.#runDir)) this.#log(note);
    if (claim.orphan) this.#status.update({ phase: 'Waiting for the last attempt to save' });
    await waitForOrphan(claim, this.#log, () => this.#wish === 'kill');
    await this.#prepare(spec);
    if (this.#wish !== 'go') return this.#end(null);
    const decode = sampleDecoder(spec);
    this.#earlyStop = new EarlyStop(this.#runDir);
    const samples = new SampleFile(this.#runDir, spec, decode);
    this.#scoring = new Scoring(this.#runDir, spec, decode, {
      log: this.#log,
      judging: (done, all) => this.#showJudging(done, all),
      notJudged: (step, said) => this.#alarms.raise('not_judged', step, said),
    });
    await samples.rebuild(this.#runDir);
    this.#startCallbacks(spec);
    if (!this.#evaluates) this.#monitors = monitorsOf(this.#runDir, spec, this.#log);
    let resumeFrom = startingPoint(this.#runDir, this.#mode, this.#log);
    let fruitless = 0;
    for (;;) {
      await this.#recordAttempt(spec, resumeFrom);
      if (this.#wish !== 'go') return this.#end(null);
      const failure = this.#failure(await this.#train(claim, spec, samples, resumeFrom));
      const newest = newestCheckpoint(this.#runDir)?.name ?? null;
      if (failure === null && this.#finished?.reason === 'restart' && this.#wish === 'go') {
        this.#log(`claiming memory anew, from ${newest}`);
        this.#forgetRanks();
        this.#status.update({ attempt: this.#status.value.attempt + 1 });
        resumeFrom = newest;
        continue;
      }
      if (failure === null || this.#wish !== 'go')
        return this.#end(failure, this.#finished?.reason === 'completed' ? 'completed' : 'stopped');
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
        if (this.#wish !== 'go') throw notTraining(command, this.#status.value.phase);
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
    this.#forgetRanks();
    this.#paused = false;
    this.#kept.resume();
    this.#status.update(restarted(this.#status.value, failure, checkpoint));
    this.#status.flush();
  }

  /** Commands for the ranks have nobody to go to until the next are there. */
  #forgetRanks(): void {
    [this.#errors, this.#finished, this.#ranks, this.#table] = [[], null, null, null];
    this.#patience.renew();
  }

  async #train(
    claim: Claim,
    spec: RunSpec,
    samples: SampleFile,
    resumeFrom: string | null,
  ): Promise<RankExit> {
    const events = new RankEvents(this.#runDir, worldSize(spec.parallel));
    const work = this.#evaluates
      ? evaluateArguments(this.#runDir, this.#evaluates)
      : trainArguments(this.#runDir, resumeFrom);
    const ranks = new RankGroup(this.#runDir, spec, work);
    const table = new RankTable(spec.parallel);
    [this.#ranks, this.#table] = [ranks, table];
    this.#pulse = new Pulse(spec.parallel.hang_timeout);
    claim.setRank(ranks.pid);
    this.#status.update({
      state: 'starting',
      phase: 'Starting the engine',
      phaseProgress: null,
      ranks: table.ranks,
    });
    this.#passWish();
    this.#kept.tell(ranks);
    let exit: RankExit | null = null;
    const gone = new AbortController();
    this.#gone = gone;
    // Ranks that could not be started reject; the race below throws that.
    void ranks.exited
      .then((value) => {
        exit = value;
        gone.abort();
      })
      .catch(() => {});
    for (;;) {
      const ended = exit !== null;
      const lines = await events.next();
      for (const line of lines) await this.#see(line, samples);
      if (!ended) this.#monitors?.look(table.pids);
      if (!ended && table.look()) this.#status.update({ ranks: table.ranks });
      if (lines.length > 0) continue;
      // Ended before that last look: nothing more will come.
      if (ended) break;
      this.#watch(table);
      requireFolder(this.#runDir);
      await Promise.race([ranks.exited, delay(POLL_MS)]);
    }
    // A launcher that was killed leaves its ranks behind.
    killAll(table.processes);
    this.#monitors?.end();
    claim.setRank(null);
    return ranks.exited;
  }

  async #see(line: string, samples: SampleFile): Promise<void> {
    const event = readEvent(line);
    if (event === null) return this.#log(`unreadable event: ${line.slice(0, 200)}`);
    this.#patience.sign();
    this.#pulse.sign();
    if (event.type === 'error')
      this.#errors.push({ rank: event.rank, timeUs: event.timeUs, error: event.payload });
    this.#alarms.see(event);
    if (this.#table?.see(event)) this.#status.update({ ranks: this.#table.ranks });
    // What all ranks go through together is told by the first.
    if (event.rank !== 0) return;
    if (event.type === 'phase') this.#paused = event.payload.name === 'paused';
    if (event.type === 'finished') this.#finished = event.payload;
    this.#status.update(applyEvent(this.#status.value, event, this.#clock));
    if (event.type === 'evaluated') await this.#score(event.payload.set, event.step);
    const sample = await this.#decode(event, samples);
    this.#callbacks?.see(event, sample);
    this.#monitors?.see(event);
    const early = this.#wish === 'go' ? (this.#earlyStop?.see(event) ?? null) : null;
    if (early === null) return;
    this.#early = early;
    this.#command({ command: 'stop' });
  }

  /** The ranks wait for it. A judge may take minutes, which are none of theirs. */
  async #score(set: string, step: number): Promise<void> {
    if (!this.#scoring) return;
    const { phase, phaseProgress } = this.#status.value;
    const signal = AbortSignal.any([this.#abort.signal, this.#gone.signal]);
    this.#ranks?.tell(await this.#scoring.score(set, step, signal));
    if (this.#wish === 'go') this.#status.update({ phase, phaseProgress });
    this.#patience.sign();
    this.#pulse.sign();
  }

  #showJudging(done: number, all: number): void {
    if (this.#wish !== 'go') return;
    this.#status.update({ phase: `Waiting for the judge (${done} of ${all})`, phaseProgress: done / all });
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
      if (!this.#ranks || this.#wish !== 'go') throw notTraining(command, this.#status.value.phase);
      this.#kept.see(request, this.#status.value.step);
      this.#ranks.tell(request);
      return;
    }
    this.#log(command === 'stop' ? 'asked to stop' : 'asked to end at once');
    this.#wish = command;
    if (command === 'stop') this.#early ??= request.phase ?? null;
    this.#patience.sign();
    this.#status.update({ state: 'stopping', phase: 'Stopping' });
    this.#status.flush();
    this.#abort.abort();
    this.#passWish();
  }

  #passWish(): void {
    if (this.#wish === 'stop') this.#ranks?.tell({ command: 'stop' });
    if (this.#wish !== 'kill') return;
    this.#callbacks?.kill();
    this.#kill();
  }

  #kill(): void {
    this.#ranks?.kill(this.#table?.processes ?? []);
  }

  #watch({ gone, processes }: RankTable): void {
    if (this.#paused) this.#pulse.sign();
    const failed = !this.#finished && (this.#errors.length > 0 || gone.length > 0);
    const hung = this.#pulse.look(processes)?.message.slice(0, -1);
    const why = hung ?? this.#patience.over({ stopping: this.#wish === 'stop', failed });
    if (why === null) return;
    this.#log(`${why}: ending by force`);
    this.#kill();
  }

  /** Why an attempt failed; null when it ended as wished. */
  #failure(exit: RankExit): CollieError | null {
    if (!this.#ranks || !this.#table) return null;
    const wished = this.#wish === 'kill' || (exit.code === 0 && this.#finished !== null);
    const failure = wished ? null : this.#cause(exit, this.#ranks, this.#table);
    const died = failure?.data.rank;
    this.#table.end(typeof died === 'number' ? died : null);
    this.#status.update({ ranks: this.#table.ranks });
    return failure;
  }

  #cause(exit: RankExit, group: RankGroup, { gone, ranks }: RankTable): CollieError {
    if (this.#pulse.hung) return this.#pulse.hung;
    const hint = resumeHint(newestCheckpoint(this.#runDir)?.name ?? null);
    const pids = ranks.map(({ pid }) => pid);
    return rankFailure({ ...group.evidence(), exit, errors: this.#errors, gone, pids, hint });
  }

  /** Writes the last state, once callbacks have heard of it. `thrown` null: the run ended as wished. */
  async #end(thrown: unknown, reason: 'completed' | 'stopped' = 'stopped'): Promise<void> {
    const error: ErrorInfo | null = thrown === null ? null : toErrorInfo(thrown);
    if (this.#wish === 'kill') this.#callbacks?.kill();
    await this.#callbacks?.end(error ? 'failed' : reason, thrown);
    this.#log(error ? `failed: ${error.code} ${error.message}` : `ended: ${reason}`);
    const checkpoint = newestCheckpoint(this.#runDir)?.name ?? null;
    this.#status.update(lastStatus(error, reason, checkpoint));
    if (error === null && reason === 'stopped' && this.#early !== null)
      this.#status.update({ phase: this.#early });
    this.#status.flush();
  }
}
