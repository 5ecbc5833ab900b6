/** Long work of the host that is not a run: imports, statistics, exports. One list, one way to watch and to cancel. */
import { randomUUID } from 'node:crypto';
import type { Job } from '../../shared/api/entities.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import { LatestChannel } from '../host/channel.ts';

export interface JobContext {
  /** Aborts when the user cancels or the host closes. Work must end soon after, by throwing anything. */
  readonly signal: AbortSignal;
  /** `fraction` in 0..1, or null when unknown. */
  progress(fraction: number | null, message?: string): void;
}

interface Entry {
  job: Job;
  abort: AbortController;
  finished: Promise<Job>;
  lastPublished: number;
  /** Of the monotonic clock: that of the wall may be set. */
  begun: number;
}

/** Finished jobs beyond this many are forgotten, oldest first. */
const KEPT = 100;
const PUBLISH_EVERY_MS = 100;

export class JobRunner {
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<LatestChannel<string, Job>>();

  /** Starts the work and returns its job at once. `work` settles the job: its value is the job's result. */
  start(
    kind: Job['kind'],
    title: string,
    work: (context: JobContext) => Promise<unknown>,
    subject: string | null = null,
  ): Job {
    const job: Job = {
      id: randomUUID(),
      kind,
      title,
      subject,
      state: 'running',
      progress: null,
      message: '',
      etaSeconds: null,
      startedAt: new Date().toISOString(),
      finishedAt: null,
      result: null,
      error: null,
    };
    const abort = new AbortController();
    const entry: Entry = {
      job,
      abort,
      finished: Promise.resolve(job),
      lastPublished: 0,
      begun: performance.now(),
    };
    this.#entries.set(job.id, entry);
    this.#publish(entry);
    entry.finished = this.#run(entry, work);
    this.#forgetOld();
    return job;
  }

  list(): Job[] {
    return [...this.#entries.values()].map((entry) => entry.job);
  }

  /** Asks a job to end. Cancelling a finished job does nothing. */
  cancel(id: string): void {
    this.#entry(id).abort.abort();
  }

  /** The job once it has ended, whatever its outcome. */
  finished(id: string): Promise<Job> {
    return this.#entry(id).finished;
  }

  /** Every job now, then each change. */
  async *watch(signal: AbortSignal): AsyncGenerator<Job> {
    const channel = new LatestChannel<string, Job>();
    for (const { job } of this.#entries.values()) channel.put(job.id, job);
    this.#watchers.add(channel);
    try {
      yield* channel.read(signal);
    } finally {
      this.#watchers.delete(channel);
    }
  }

  /** Cancels everything and waits for it to end. */
  async close(): Promise<void> {
    for (const entry of this.#entries.values()) entry.abort.abort();
    await Promise.all([...this.#entries.values()].map((entry) => entry.finished));
  }

  async #run(entry: Entry, work: (context: JobContext) => Promise<unknown>): Promise<Job> {
    const { signal } = entry.abort;
    const progress = (fraction: number | null, message?: string) => this.#progress(entry, fraction, message);
    try {
      const result = await work({ signal, progress });
      this.#end(entry, { state: 'done', progress: 1, result: result ?? null });
    } catch (thrown) {
      if (signal.aborted) {
        const error = new CollieError('job.cancelled', `${entry.job.title} was cancelled.`).toInfo();
        this.#end(entry, { state: 'cancelled', error });
      } else {
        this.#end(entry, { state: 'failed', error: toErrorInfo(thrown) });
      }
    }
    return entry.job;
  }

  #progress(entry: Entry, fraction: number | null, message?: string): void {
    if (entry.job.state !== 'running') return;
    const progress = fraction === null ? null : Math.min(1, Math.max(0, fraction));
    const etaSeconds = etaOf(progress, (performance.now() - entry.begun) / 1000);
    const changed = message !== undefined && message !== entry.job.message;
    entry.job = { ...entry.job, progress, etaSeconds, message: message ?? entry.job.message };
    if (changed || performance.now() - entry.lastPublished >= PUBLISH_EVERY_MS) this.#publish(entry);
  }

  #end(entry: Entry, change: Partial<Job>): void {
    entry.job = { ...entry.job, ...change, etaSeconds: null, finishedAt: new Date().toISOString() };
    this.#publish(entry);
  }

  #publish(entry: Entry): void {
    entry.lastPublished = performance.now();
    for (const channel of this.#watchers) channel.put(entry.job.id, entry.job);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry)
      throw new CollieError('request.invalid', `There is no job ${id}.`, 'Reload the list of jobs.');
    return entry;
  }

  #forgetOld(): void {
    const ended = [...this.#entries.values()].filter((entry) => entry.job.state !== 'running');
    for (const entry of ended.slice(0, Math.max(0, ended.length - KEPT))) this.#entries.delete(entry.job.id);
  }
}

/** Seconds left when the pace so far goes on; null while it is too early to tell. */
function etaOf(progress: number | null, elapsedSeconds: number): number | null {
  if (progress === null || progress < 0.02 || elapsedSeconds < 1) return null;
  return (elapsedSeconds * (1 - progress)) / progress;
}
