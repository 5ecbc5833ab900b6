/** `runs.status`: notices every change of every status, whoever made it (a supervisor, the CLI, another window). */
import type { RunStatus } from '../../shared/runs/events.ts';
import { LatestChannel, pause } from '../host/channel.ts';
import type { RunRegistry } from './registry.ts';

const POLL_MS = 500;

export class StatusWatcher {
  readonly #registry: RunRegistry;
  readonly #channels = new Set<LatestChannel<string, RunStatus>>();
  #known = new Map<string, string>();
  #polling: AbortController | null = null;

  constructor(registry: RunRegistry) {
    this.#registry = registry;
  }

  /** Every status now, then each change. Looks at the disk only while somebody watches. */
  async *watch(signal: AbortSignal): AsyncGenerator<RunStatus> {
    const channel = new LatestChannel<string, RunStatus>();
    for (const status of this.#registry.list()) channel.put(status.id, status);
    this.#channels.add(channel);
    this.#startPolling();
    try {
      yield* channel.read(signal);
    } finally {
      this.#channels.delete(channel);
      if (this.#channels.size === 0) this.#stopPolling();
    }
  }

  /** Looks now, after a change that we made ourselves. */
  refresh(): void {
    if (this.#channels.size === 0) return;
    const seen = new Map<string, string>();
    for (const status of this.#registry.list()) {
      const text = JSON.stringify(status);
      seen.set(status.id, text);
      if (this.#known.get(status.id) === text) continue;
      for (const channel of this.#channels) channel.put(status.id, status);
    }
    this.#known = seen;
  }

  #startPolling(): void {
    if (this.#polling) return;
    this.#polling = new AbortController();
    void this.#poll(this.#polling.signal);
  }

  #stopPolling(): void {
    this.#polling?.abort();
    this.#polling = null;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.refresh();
      } catch {
        // The home folder is out of reach for now (unmounted, no permission): look again.
      }
      await pause(POLL_MS, signal);
    }
  }
}
