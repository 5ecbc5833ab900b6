/**
 * Runs functions of a module on a thread of its own, with limits of time and memory: what a file can make slow, or endless, must not stop
 * the thread that answers everybody. Arguments and results are copied.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { CollieError, type ErrorInfo } from '../../shared/errors.ts';

export interface Limits {
  seconds: number;
  /** Of JavaScript's heap; what native code takes is its own to bound. */
  memoryMb: number;
  /** What it is about, as the beginning of a sentence: "The tokenizer of /x.gguf". */
  what: string;
  signal?: AbortSignal;
}

export interface Call {
  name: string;
  args: readonly unknown[];
}

/** `ready`: the module is loaded, the time of a call begins. */
export type Answer = { ready: true } | { result: unknown } | { error: ErrorInfo };

/** For a thread to start, on a machine that has much else to do. */
const START_SECONDS = 120;

/** A thread that nobody has asked for so long ends; the next call starts another. */
const IDLE_MS = 60_000;

/** Calls are answered one after another. One that goes over a limit ends the thread; the next call has a new one. */
export class ApartThread {
  readonly #module: URL;
  readonly #memoryMb: number;
  #worker: Worker | null = null;
  #ready = false;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | null = null;

  constructor(module: URL, memoryMb: number) {
    this.#module = module;
    this.#memoryMb = memoryMb;
  }

  /** Throws what the function throws, and request.invalid when it goes over a limit, job.cancelled when the signal aborts. */
  call<T>(name: string, args: readonly unknown[], limits: Omit<Limits, 'memoryMb'>): Promise<T> {
    this.#waiting += 1;
    if (this.#idle) clearTimeout(this.#idle);
    const answered = this.#last.then(() => this.#ask<T>({ name, args }, limits));
    this.#last = answered.catch(() => {}).then(() => this.#rest());
    return answered;
  }

  /** Ends the thread. A call that waits for it is told so; a later one starts a new thread. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  async #ask<T>(call: Call, { seconds, what, signal }: Omit<Limits, 'memoryMb'>): Promise<T> {
    if (this.#worker === null) this.#ready = false;
    const worker = this.#worker ?? startWorker({ module: this.#module.href }, this.#memoryMb);
    this.#worker = worker;
    const over = (message: string) =>
      new CollieError('request.invalid', `${what} ${message}.`, 'Check where the file comes from.');
    const settled = new AbortController();
    try {
      return await new Promise<T>((resolve, reject) => {
        const stop = (error: Error) => {
          if (this.#worker === worker) this.#worker = null;
          // Ended for going over a limit, it may have an error left to tell.
          worker.on('error', () => {});
          worker.terminate();
          reject(error);
        };
        const within = (limit: number) =>
          setTimeout(() => stop(over(`took more than ${limit} seconds`)), limit * 1000);
        let timer = within(this.#ready ? seconds : START_SECONDS);
        const ask = () => {
          clearTimeout(timer);
          timer = within(seconds);
          worker.postMessage(call);
        };
        const cancel = () => stop(new CollieError('job.cancelled', `${what}: cancelled.`));
        signal?.addEventListener('abort', cancel, { signal: settled.signal });
        const onMessage = (answer: Answer) => {
          if ('ready' in answer) {
            this.#ready = true;
            ask();
          } else if ('result' in answer) resolve(answer.result as T);
          else reject(CollieError.fromInfo(answer.error));
        };
        const onError = (error: NodeJS.ErrnoException) => {
          const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
          stop(memory ? over(`needs more than ${this.#memoryMb} MB of memory`) : error);
        };
        const onExit = () => stop(over('ended without an answer'));
        worker.on('message', onMessage).on('error', onError).on('exit', onExit);
        settled.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        });
        if (signal?.aborted) cancel();
        else {
          worker.ref();
          if (this.#ready) ask();
        }
      });
    } finally {
      settled.abort();
      worker.unref();
    }
  }

  #rest(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    this.#idle = setTimeout(() => this.close(), IDLE_MS);
    this.#idle.unref();
  }
}

/** One call on a thread that ends with it. Throws as ApartThread.call does. */
export async function runApart<T>(
  module: URL,
  name: string,
  args: readonly unknown[],
  { memoryMb, ...limits }: Limits,
): Promise<T> {
  const thread = new ApartThread(module, memoryMb);
  try {
    return await thread.call<T>(name, args, limits);
  } finally {
    await thread.close();
  }
}

/** The URL of a module beside `base` (import.meta.url), as source or compiled. */
export const moduleBeside = (base: string, name: string): URL =>
  new URL(`./${name}.${base.endsWith('.ts') ? 'ts' : 'js'}`, base);

/** Compiled it is a file of ours; from source (tests, development) tsx has to be loaded on that thread first. */
function startWorker(workerData: unknown, memoryMb: number): Worker {
  const options = { workerData, resourceLimits: { maxOldGenerationSizeMb: memoryMb } };
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./apart-worker.js', import.meta.url), options);
  const tsxFolder = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const tsx = pathToFileURL(join(tsxFolder, 'dist/esm/api/index.mjs')).href;
  const script = new URL('./apart-worker.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(script)}); });`;
  return new Worker(code, { ...options, eval: true });
}
