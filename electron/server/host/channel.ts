/**
 * Streams of the host are async iterables that a reader pulls: a slow reader slows its own stream and nothing else.
 * This channel holds only the newest value per key, so memory stays bounded by the number of keys.
 */
export class LatestChannel<K, V> {
  readonly #pending = new Map<K, V>();
  #wake: (() => void) | null = null;

  put(key: K, value: V): void {
    this.#pending.delete(key);
    this.#pending.set(key, value);
    this.#wake?.();
  }

  /** Yields each pending value, oldest first, until the signal aborts. */
  async *read(signal: AbortSignal): AsyncGenerator<V> {
    const wake = () => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const first = this.#pending.entries().next();
        if (!first.done) {
          this.#pending.delete(first.value[0]);
          yield first.value[1];
          continue;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (signal.aborted) resolve();
        });
        this.#wake = null;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}

/** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
