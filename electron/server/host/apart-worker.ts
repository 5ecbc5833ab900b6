/** The thread of apart.ts: runs one function and says what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { toErrorInfo } from '../../shared/errors.ts';
import type { Answer } from './apart.ts';

const { module, name, args } = workerData as { module: string; name: string; args: unknown[] };

async function answer(): Promise<Answer> {
  try {
    const functions = (await import(module)) as Record<string, (...args: unknown[]) => unknown>;
    return { result: await functions[name]?.(...args) };
  } catch (thrown) {
    return { error: toErrorInfo(thrown) };
  }
}

parentPort?.postMessage(await answer());
