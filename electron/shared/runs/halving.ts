/**
 * Successive halving without waiting for a whole rung (ASHA, Li et al. 2020, arXiv 1810.05934). Runs pause at rungs, counted in trained
 * tokens; of those that have reached a rung the best 1/eta go on, whenever that is known. A paused run is a checkpoint. Pure.
 */
import { z } from 'zod';

/** `rungs.json` of a run folder, written by its supervisor: the evaluations at which it reached its rungs, in order. */
export const rungsSchema = z.array(
  z.object({ tokens: z.number(), step: z.number().int(), loss: z.number().nullable() }),
);
export type Rungs = z.infer<typeof rungsSchema>;

export const PAUSED_AT_RUNG = 'Paused at a rung';

export interface HalvingRun {
  id: string;
  /** Waits at its newest rung; false: it goes on, has ended, or is in line. */
  paused: boolean;
  rungs: Rungs;
}

/** Paused runs to go on now, those of the highest rungs first. A loss that is not finite is never among the best. */
export function promotions(runs: readonly HalvingRun[], rungs: number, eta: number): string[] {
  const promoted: string[] = [];
  for (let rung = rungs - 1; rung >= 0; rung -= 1) {
    const reached = runs.filter((run) => run.rungs.length > rung);
    const lossOf = (run: HalvingRun) => run.rungs[rung]?.loss ?? Number.POSITIVE_INFINITY;
    const ranked = [...reached].sort((a, b) => lossOf(a) - lossOf(b) || a.id.localeCompare(b.id));
    const best = ranked.slice(0, Math.floor(reached.length / eta));
    for (const run of best)
      if (run.paused && run.rungs.length === rung + 1 && Number.isFinite(lossOf(run))) promoted.push(run.id);
  }
  return promoted;
}
