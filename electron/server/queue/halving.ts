/** Successive halving in the queue: what new runs of a sweep are told, and which paused ones are put back in line. */
import type { RunStatus } from '../../shared/runs/events.ts';
import { type HalvingRun, PAUSED_AT_RUNG, promotions, type Rungs } from '../../shared/runs/halving.ts';
import { inOrder, type QueueEntry } from '../../shared/runs/queue.ts';
import { runKey, type SweepRun } from '../../shared/runs/sweep-record.ts';
import { type Sweep, sweepSchema } from '../../shared/spec/sweep.ts';
import { BUDGET_SPENT } from '../../shared/spec/sweep-budget.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { readRungs } from '../runs/rungs.ts';
import { putBack } from './put-back.ts';
import { type Look, readEntry } from './store.ts';
import type { SweepStore } from './sweep-store.ts';

/** `reached`: rungs that the run has reached already. Nothing for what is no sweep. */
export function earlyRules(definition: unknown, reached = 0): Pick<QueueEntry, 'pauseAt' | 'plateau'> {
  const sweep = sweepOf(definition);
  return { pauseAt: sweep?.halving?.rungs[reached] ?? null, plateau: sweep?.plateau ?? null };
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
    const all = runs.flatMap((run) => {
      const status = statuses.get(run.id);
      return status ? [halvingRun(run, status, registry, halving.rungs)] : [];
    });
    return promotions(all, halving.rungs.length, halving.eta).map((id) => ({
      id,
      pauseAt: halving.rungs[all.find((run) => run.id === id)?.rungs.length ?? 0] ?? null,
    }));
  });
}

function halvingRun(
  { id, values }: SweepRun,
  { state, phase }: RunStatus,
  registry: RunRegistry,
  all: readonly number[],
): HalvingRun {
  const dir = registry.dir(id);
  const reached: Rungs = readRungs(dir);
  const paused = state === 'stopped' && phase === PAUSED_AT_RUNG;
  const ended = state === 'completed' || (state === 'stopped' && phase !== BUDGET_SPENT && !paused);
  return {
    ...{ id, point: runKey(values, null), rungs: reached },
    state: paused ? 'paused' : ended ? 'ended' : 'going',
    passed: reached.length === 0 ? 0 : passedOf(readEntry(dir), all),
  };
}

/** The rung at which it pauses next is the first that it has not been taken on past. */
function passedOf(entry: QueueEntry | null, rungs: readonly number[]): number {
  if (entry === null) return 0;
  const { pauseAt } = entry;
  return pauseAt === null ? rungs.length : rungs.filter((rung) => rung < pauseAt).length;
}

/** Puts them back in line, before what has not begun. Returns their ids. */
export function promote(sweeps: SweepStore, registry: RunRegistry, { queued, statuses }: Look): string[] {
  const first = inOrder(queued)[0]?.entry.order ?? 0;
  return toPromote(sweeps, registry, statuses).flatMap(({ id, pauseAt }, k) => {
    const status = statuses.get(id);
    return status && putBack(registry.dir(id), status, { order: first - 1 - k, pauseAt }) ? [id] : [];
  });
}
