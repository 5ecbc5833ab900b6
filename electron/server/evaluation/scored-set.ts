/** What the scoring of a set gives. */
import type { ScoredRow, SetHead } from '../../shared/runs/evaluation-rows.ts';

export interface ScoredSet {
  metrics: Record<string, number>;
  confusion?: SetHead['confusion'];
  rows: ScoredRow[];
}
