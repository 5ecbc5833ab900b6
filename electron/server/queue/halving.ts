/** Successive halving in the queue: what new runs of a sweep are told, and which paused ones are put back in line. */
import { join } from 'node:path';
import { PAUSED_AT_RUNG, promotions } from '../../shared/runs/halving.ts';
import { inOrder, type QueueEntry } from '../../shared/runs/queue.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { type Sweep, sweepSchema } from '../../shared/spec/sweep.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { QUEUED } from '../runs/rebuild.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { readRungs } from '../runs/rungs.ts';
import { type Look, readEntry, writeEntry } from './store.ts';
import type { SweepStore } from './sweep-store.ts';

/** Nothing for what is no sweep. */
export function earlyRules(definition: unknown): Pick<QueueEntry, 'pauseAt' | 'plateau'> {
  const sweep = sweepOf(definition);
  return { pauseAt: sweep?.halving?.rungs[0] ?? null, plateau: sweep?.plateau ?? null };
}

function sweepOf(definition: unknown): Sweep | null {
  // Most have neither, and this is looked at often.
  const { halving, plateau } = Object(definition) as Partial<Sweep>;
  if (!halving && !plateau) return null;
  const parsed = sweepSchema.safeParse(definition);
  return parsed.success ? parsed.data : null;
}

interface Promotion {
  id: string;
  /** Tokens of its next rung; null: to the end. */
  pauseAt: number | null;
}

/** Paused runs that are among the best of their rung. */
export function toPromote(
  sweeps: SweepStore,
  registry: RunRegistry,
  statuses: Look['statuses'],
): Promotion[] {
  return sweeps.list().flatMap(({ definition, runs }) => {
    const halving = sweepOf(definition)?.halving;
    if (!halving) return [];
    const all = runs.flatMap(({ id }) => {
      const status = statuses.get(id);
      if (!status) return [];
      const paused = status.state === 'stopped' && status.phase === PAUSED_AT_RUNG;
      return [{ id, paused, rungs: readRungs(registry.dir(id)) }];
    });
    return promotions(all, halving.rungs.length, halving.eta).map((id) => ({
      id,
      pauseAt: halving.rungs[all.find((run) => run.id === id)?.rungs.length ?? 0] ?? null,
    }));
  });
}

/**
 * Puts them back in line, before what has not begun. The entry is written first and the state last, both from what the run's own files say:
 * cut off in between, it is done again. Returns their ids.
 */
export function promote(sweeps: SweepStore, registry: RunRegistry, { queued, statuses }: Look): string[] {
  const first = inOrder(queued)[0]?.entry.order ?? 0;
  return toPromote(sweeps, registry, statuses).flatMap(({ id, pauseAt }, k) => {
    const dir = registry.dir(id);
    const [entry, status] = [readEntry(dir), statuses.get(id)];
    if (!entry || !status) return [];
    const before = { state: 'stopped', phase: PAUSED_AT_RUNG } as const;
    writeEntry(dir, { ...entry, mode: 'resume', order: first - 1 - k, pauseAt, before, data: {} });
    const updatedAt = new Date().toISOString();
    writeJsonAtomic(join(dir, runFiles.status), { ...status, state: 'queued', phase: QUEUED, updatedAt });
    return [id];
  });
}
