/** The thread of apart.ts: runs the functions of one module and says what came of each. */
import { parentPort, workerData } from 'node:worker_threads';
import { toErrorInfo } from '../../shared/errors.ts';
import type { Answer, Call } from './apart.ts';

const { module } = workerData as { module: string };
type Functions = Record<string, (...args: unknown[]) => unknown>;
const loading = import(module) as Promise<Functions>;

async function answer({ name, args }: Call): Promise<Answer> {
  try {
    const functions = await loading;
    return { result: await functions[name]?.(...args) };
  } catch (thrown) {
    return { error: toErrorInfo(thrown) };
  }
}

// What goes wrong in loading is the error of the first call.
await loading.catch(() => {});
parentPort?.postMessage({ ready: true } satisfies Answer);
parentPort?.on('message', async (call: Call) => {
  const said = await answer(call);
  parentPort?.postMessage(said);
});
