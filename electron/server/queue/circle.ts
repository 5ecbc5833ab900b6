import { CollieError } from '../../shared/errors.ts';
import type { Queued } from '../../shared/runs/queue.ts';
import type { RunRegistry } from '../runs/registry.ts';

/** Throws request.invalid where `id` would wait for itself, run.not_found for what is not there. */
export function requireNoCircle(
  registry: RunRegistry,
  queued: readonly Queued[],
  id: string,
  after: string,
): void {
  registry.dir(after);
  const seen = new Set([id]);
  for (let next: string | null = after; next !== null; ) {
    if (seen.has(next))
      throw new CollieError(
        'request.invalid',
        `${id} cannot start after ${after}: that one waits for it already.`,
        'Take one of them back first.',
        { id, after },
      );
    seen.add(next);
    next = queued.find(({ status }) => status.id === next)?.entry.after ?? null;
  }
}
