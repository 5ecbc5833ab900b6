/**
 * Runs that have ended are read once while nobody waits for them: who opens one later finds its series kept (kept-series.ts) and need not wait for
 * its events to be parsed. The supervisor does the same at the end of a run; here are those that came from elsewhere, or whose supervisor was killed.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import { isLongFile, keptFile } from './kept-series.ts';
import type { RunRegistry } from './registry.ts';
import { keepSeries } from './series-file.ts';
import { isLive } from './status.ts';

/** A host that has just been started has other things to do. */
const FIRST_MS = 20_000;
const EVERY_MS = 5 * 60_000;

export class ReadAhead {
  readonly #runs: RunRegistry;
  readonly #folder: string;
  /** Read by this host, whether it was kept or not. */
  readonly #done = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `folder`: where series are kept. */
  constructor(runs: RunRegistry, folder: string) {
    this.#runs = runs;
    this.#folder = folder;
  }

  /** Begins after a while, and looks again now and then. Keeps no process alive. */
  start(delay = FIRST_MS): void {
    this.#timer = setTimeout(() => {
      this.readAll()
        .catch(() => {}) // A folder that is gone or unreadable is told by who opens it.
        .finally(() => !this.#closed && this.start(EVERY_MS));
    }, delay).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** One after another; in between, others have their turn. */
  async readAll(): Promise<void> {
    for (const status of this.#runs.list()) {
      if (this.#closed) return;
      const dir = this.#runs.dir(status.id);
      if (isLive(status) || this.#done.has(status.id) || !isLongFile(sizeOf(join(dir, eventsFile(0)))))
        continue;
      this.#done.add(status.id);
      const file = keptFile(this.#folder, basename(dir));
      if (!existsSync(file)) await keepSeries(dir, file);
    }
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
