/**
 * Runs a function of a module on a thread of its own, with a limit of time and memory: what a file can make slow, or endless, must not stop
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

export type Answer = { result: unknown } | { error: ErrorInfo };

/** Throws what the function throws, and request.invalid when it goes over a limit, job.cancelled when the signal aborts. */
export async function runApart<T>(
  module: URL,
  name: string,
  args: readonly unknown[],
  limits: Limits,
): Promise<T> {
  const worker = startWorker({ module: module.href, name, args }, limits.memoryMb);
  const over = (message: string) =>
    new CollieError('request.invalid', `${limits.what} ${message}.`, 'Check where the file comes from.');
  const settled = new AbortController();
  try {
    return await new Promise<T>((resolve, reject) => {
      const late = () => reject(over(`took more than ${limits.seconds} seconds`));
      const timer = setTimeout(late, limits.seconds * 1000);
      settled.signal.addEventListener('abort', () => clearTimeout(timer));
      const cancel = () => reject(new CollieError('job.cancelled', `${limits.what}: cancelled.`));
      limits.signal?.addEventListener('abort', cancel, { signal: settled.signal });
      if (limits.signal?.aborted) cancel();
      worker.on('message', (answer: Answer) => {
        if ('result' in answer) resolve(answer.result as T);
        else reject(CollieError.fromInfo(answer.error));
      });
      worker.on('error', (error: NodeJS.ErrnoException) => {
        const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        reject(memory ? over(`needs more than ${limits.memoryMb} MB of memory`) : error);
      });
      worker.on('exit', () => reject(over('ended without an answer')));
    });
  } finally {
    settled.abort();
    await worker.terminate();
  }
}

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
