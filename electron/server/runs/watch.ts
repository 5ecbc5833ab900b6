/** `runs.status`: notices every change of every status, whoever made it (a supervisor, the CLI, another window). */
import type { RunStatus } from '../../shared/runs/events.ts';
import { LatestChannel, pause } from '../host/channel.ts';
import type { RunRegistry } from './registry.ts';

const POLL_MS = 500;

export class StatusWatcher {
  readonly #registry: RunRegistry;
  readonly #channels = new Set<LatestChannel<string, RunStatus>>();
  #known = new Map<string, { status: RunStatus; text: string }>();
  #polling: AbortController | null = null;

  constructor(registry: RunRegistry) {
    this.#registry = registry;
  }

  /** Every status now, unless only changes are wanted, then each change. Looks at the disk only while somebody watches. */
  async *watch(signal: AbortSignal, onlyChanges = false): AsyncGenerator<RunStatus> {
    const channel = new LatestChannel<string, RunStatus>();
    this.refresh();
    if (this.#channels.size === 0) this.#look(() => {});
    if (!onlyChanges) for (const { status } of this.#known.values()) channel.put(status.id, status);
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
    this.#look((status) => {
      for (const channel of this.#channels) channel.put(status.id, status);
    });
  }

  #look(changed: (status: RunStatus) => void): void {
    const seen = new Map<string, { status: RunStatus; text: string }>();
    for (const status of this.#registry.list()) {
      const before = this.#known.get(status.id);
      // The registry gives an ended run as the same object: it need not be written out to be compared.
      const same = before?.status === status;
      const text = same ? before.text : JSON.stringify(status);
      seen.set(status.id, { status, text });
      if (before?.text !== text) changed(status);
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
