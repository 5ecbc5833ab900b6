/** What all parts of the page know of a comparison: its groups with their looks. */
import type {
  ComparedGroup,
  ComparedRun,
  ComparisonReport,
  ComparisonView,
} from '../../../../electron/shared/runs/comparison.ts';
import { liveStates } from '../../../../electron/shared/runs/events.ts';
import { lookOf, type RunLook } from '../runs/run-looks.ts';

export interface LookedGroup extends ComparedGroup {
  look: RunLook;
  live: boolean;
}

export interface Compared {
  view: ComparisonView;
  report: ComparisonReport;
  groups: readonly LookedGroup[];
  baseline: LookedGroup | null;
  /** By id; of a run of a group that is not its first as well. */
  runs: ReadonlyMap<string, ComparedRun>;
  /** Goes up when runs that go on have moved on. */
  stamp: number;
}

export function comparedOf(
  report: ComparisonReport,
  looks: ReadonlyMap<string, RunLook>,
  stamp: number,
): Compared {
  const runs = new Map(report.runs.map((run) => [run.id, run]));
  const groups = report.groups.map((group) => ({
    ...group,
    look: looks.get(group.key) ?? lookOf(0),
    live: group.runs.some((id) => liveStates.includes(runs.get(id)?.state ?? 'completed')),
  }));
  return {
    view: report.view,
    report,
    groups,
    baseline: groups.find(({ baseline }) => baseline) ?? null,
    runs,
    stamp,
  };
}
