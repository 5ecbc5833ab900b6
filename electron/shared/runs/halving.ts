/**
 * Successive halving without waiting for a whole rung (ASHA, Li et al. 2020, arXiv 1810.05934). Runs pause at rungs, counted in trained
 * tokens; of the points that have reached a rung the best 1/eta go on, whenever that is known. All seeds of a point are one candidate: its
 * loss at a rung is the mean over them, and they go on or stay together. A paused run is a checkpoint. Pure.
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
  /** Runs of the same point differ in nothing but their seeds. */
  point: string;
  /**
   * paused: waits at its newest rung. ended: complete, stopped otherwise: it reaches no further rung, and does not keep the others of its point
   * from one. going: in line, live, or failed: a failed one can be put back in line, so that its point has not reached the rung yet.
   */
  state: 'going' | 'paused' | 'ended';
  rungs: Rungs;
  /** Rungs that it has been taken on past. */
  passed: number;
}

interface Candidate {
  point: string;
  members: readonly HalvingRun[];
  /** At the rung that is looked at: the mean over those that have reached it. */
  loss: number;
}

/** Paused runs to go on now, those of the highest rungs first. A loss that is not finite is never among the best. */
export function promotions(runs: readonly HalvingRun[], rungs: number, eta: number): string[] {
  const points = new Map<string, HalvingRun[]>();
  for (const run of runs) points.set(run.point, [...(points.get(run.point) ?? []), run]);
  const promoted: string[] = [];
  for (let rung = rungs - 1; rung >= 0; rung -= 1) {
    const reached = [...points].flatMap(([point, members]) => candidate(point, members, rung) ?? []);
    const ranked = reached.sort((a, b) => a.loss - b.loss || a.point.localeCompare(b.point));
    const best = new Set(ranked.slice(0, Math.floor(reached.length / eta)));
    for (const one of ranked) {
      // Part of it has gone on already: a seed that was added later, or a promotion that was cut off.
      const begun = one.members.some(({ passed }) => passed > rung);
      if (!begun && !(best.has(one) && Number.isFinite(one.loss))) continue;
      for (const { id, state, rungs: own } of one.members)
        if (state === 'paused' && own.length === rung + 1) promoted.push(id);
    }
  }
  return promoted;
}

/** null: it has not reached the rung with all of its seeds. */
function candidate(point: string, members: readonly HalvingRun[], rung: number): Candidate | null {
  const there = members.filter(({ rungs }) => rungs.length > rung);
  const all = members.every((one) => one.rungs.length > rung || one.state === 'ended');
  if (there.length === 0 || !all) return null;
  const sum = there.reduce((total, { rungs }) => total + (rungs[rung]?.loss ?? Number.POSITIVE_INFINITY), 0);
  return { point, members, loss: sum / there.length };
}
