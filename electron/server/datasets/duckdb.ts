/** DuckDB as the reader and store of datasets: one in-process database, a connection per task. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { CollieError } from '../../shared/errors.ts';

const PROGRESS_MS = 200;
const INTERRUPT_MS = 20;
const MEMORY_LIMIT = '2GB';

let instance: Promise<DuckDBInstance> | null = null;

async function database(): Promise<DuckDBInstance> {
  instance ??= import('@duckdb/node-api').then(({ DuckDBInstance }) =>
    DuckDBInstance.create(':memory:', {
      memory_limit: MEMORY_LIMIT,
      threads: '2',
      // Nothing is ever fetched: what is not built in is not used.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // It goes by path, size and time: of a dataset that is removed and imported again at once, old pages came back.
      enable_external_file_cache: 'false',
    }),
  );
  return instance;
}

export interface TaskOptions {
  signal?: AbortSignal | undefined;
  /** Called with 0..1 while a long statement runs. */
  onProgress?: ((fraction: number) => void) | undefined;
}

export const cancelled = () => new CollieError('job.cancelled', 'The task was cancelled.');

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

/** Runs a task with a connection of its own. Aborting interrupts its statement and throws job.cancelled. */
export async function withDuckDB<T>(
  task: (connection: DuckDBConnection) => Promise<T>,
  { signal, onProgress }: TaskOptions = {},
): Promise<T> {
  throwIfCancelled(signal);
  const connection = await (await database()).connect();
  // An interrupt between two statements is lost, so it is repeated until the task has ended.
  let interrupts: NodeJS.Timeout | null = null;
  const interrupt = () => {
    connection.interrupt();
    interrupts ??= setInterval(() => connection.interrupt(), INTERRUPT_MS);
  };
  signal?.addEventListener('abort', interrupt);
  const timer = onProgress
    ? setInterval(() => {
        const { percentage } = connection.progress;
        if (percentage >= 0) onProgress(Math.min(percentage / 100, 1));
      }, PROGRESS_MS)
    : null;
  try {
    const result = await task(connection);
    throwIfCancelled(signal);
    return result;
  } catch (error) {
    throwIfCancelled(signal);
    if (/No space left on device/i.test((error as Error).message)) {
      const path = /"([^"]+)"/.exec((error as Error).message)?.[1];
      throw new CollieError(
        'disk.full',
        path === undefined
          ? 'There is no space left on the disk.'
          : `There is no space left to write ${path}.`,
        'Free some disk space, then try again. Nothing was lost.',
        path === undefined ? {} : { path },
      );
    }
    if (/Out of Memory Error|failed to allocate/i.test((error as Error).message)) {
      throw new CollieError(
        'memory.insufficient',
        `Reading the data takes more than the ${MEMORY_LIMIT} set aside for it: ${duckdbReason(error)}`,
        'Split the file into smaller ones, or save it as Parquet.',
      );
    }
    throw error;
  } finally {
    if (timer) clearInterval(timer);
    if (interrupts) clearInterval(interrupts);
    signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
  }
}

/** First line of a DuckDB message, without its kind and the statement it quotes. */
export const duckdbReason = (error: unknown): string =>
  ((error as Error).message.split('\n')[0] ?? '').replace(/^[A-Za-z ]+ Error: /, '').trim();
