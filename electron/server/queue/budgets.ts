/** Budgets of sweeps: what is spent, which runs end for it, and which go on once it has been raised. */
import type { RunStatus } from '../../shared/runs/events.ts';
import type { SweepBudget, SweepRecord } from '../../shared/runs/sweep-record.ts';
import {
  BUDGET_SPENT,
  type Budget,
  budgetSchema,
  budgetWords,
  isSpent,
} from '../../shared/spec/sweep-budget.ts';
import { Meters } from '../runs/meter.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { isLive } from '../runs/status.ts';
import { putBack } from './put-back.ts';
import { readEntry, writeEntry } from './store.ts';
import type { SweepStore } from './sweep-store.ts';

type Statuses = ReadonlyMap<string, RunStatus>;

function budgetOf({ definition }: Pick<SweepRecord, 'definition'>): Budget | null {
  const parsed = budgetSchema.safeParse(Object(definition).budget);
  return parsed.success ? parsed.data : null;
}

export class Budgets {
  readonly #sweeps: SweepStore;
  readonly #registry: RunRegistry;
  readonly #meters = new Meters();

  constructor(sweeps: SweepStore, registry: RunRegistry) {
    this.#sweeps = sweeps;
    this.#registry = registry;
  }

  /** null: it has none. */
  of(record: SweepRecord): SweepBudget | null {
    const budget = budgetOf(record);
    if (budget === null) return null;
    const spent = { hours: 0, tokens: 0 };
    for (const { id } of record.runs) {
      try {
        const own = this.#meters.of(this.#registry.dir(id));
        spent.hours += own.hours;
        spent.tokens += own.tokens;
      } catch {
        // Removed: what it has spent went with it.
      }
    }
    return { ...budget, spent, over: isSpent(budget, spent) };
  }

  /** Sweeps whose budget is spent. */
  #over(): { record: SweepRecord; budget: SweepBudget }[] {
    return this.#sweeps.list().flatMap((record) => {
      const budget = this.of(record);
      return budget?.over ? [{ record, budget }] : [];
    });
  }

  /** Why their runs are not started, by the sweep's id. */
  held(): Map<string, string> {
    return new Map(
      this.#over().map(({ record: { id, name }, budget }) => [
        id,
        `The budget of the sweep ${name} is spent: ${budgetWords(budget, budget.spent)}. Add to it, or start this run by itself.`,
      ]),
    );
  }

  /** Stops the live runs of such sweeps at a checkpoint. Returns their ids. */
  async stopRuns(statuses: Statuses): Promise<string[]> {
    const stopped: string[] = [];
    for (const { record } of this.#over())
      for (const { id } of record.runs) {
        const status = statuses.get(id);
        if (!status || !isLive(status) || status.state === 'stopping') continue;
        const dir = this.#registry.dir(id);
        const entry = readEntry(dir);
        if (!entry || entry.pastBudget) continue;
        await this.#registry.stop(id, BUDGET_SPENT);
        writeEntry(dir, { ...entry, pastBudget: true });
        stopped.push(id);
      }
    return stopped;
  }

  /** Runs that a budget has stopped and that could go on, as it has been raised since or taken away. */
  toPutBack(statuses: Statuses): string[] {
    const stopped = [...statuses.values()].filter(
      ({ state, phase }) => state === 'stopped' && phase === BUDGET_SPENT,
    );
    if (stopped.length === 0) return [];
    const over = new Set(this.#over().map(({ record }) => record.id));
    const sweeps = new Set(this.#sweeps.list().map(({ id }) => id));
    return stopped.flatMap(({ id }) => {
      const sweep = this.#sweepOf(id);
      return sweep !== null && sweeps.has(sweep) && !over.has(sweep) ? [id] : [];
    });
  }

  /** Puts them back in line, from `order` on. Returns their ids. */
  putBack(statuses: Statuses, order: number): string[] {
    return this.toPutBack(statuses).filter((id, k) => {
      const status = statuses.get(id);
      return status && putBack(this.#registry.dir(id), status, { order: order + k });
    });
  }

  /** Somebody starts this run by hand: a spent budget does not end it. */
  letGo(id: string): void {
    const dir = this.#registry.dir(id);
    const entry = readEntry(dir);
    if (entry && this.#over().some(({ record }) => record.id === entry.sweep))
      writeEntry(dir, { ...entry, pastBudget: true });
  }

  #sweepOf(id: string): string | null {
    try {
      return readEntry(this.#registry.dir(id))?.sweep ?? null;
    } catch {
      return null;
    }
  }
}
