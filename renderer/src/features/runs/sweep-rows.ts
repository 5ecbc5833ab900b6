/** Runs of a sweep as one row of the list, which opens to show them. Pure. */
import type { SweepCard } from '../../../../electron/shared/runs/sweep-record.ts';
import type { RunRow } from './run-rows.ts';

export type ListRow =
  | { readonly kind: 'run'; readonly row: RunRow; readonly inside: boolean }
  | {
      readonly kind: 'sweep';
      readonly sweep: SweepCard;
      readonly rows: readonly RunRow[];
      readonly open: boolean;
    };

/** A sweep stands where its first run does, whatever the list is sorted by; a single run of it is just a run. */
export function withSweeps(
  rows: readonly RunRow[],
  sweeps: readonly SweepCard[],
  open: ReadonlySet<string>,
): ListRow[] {
  const owner = new Map(sweeps.flatMap((sweep) => sweep.runs.map(({ id }) => [id, sweep] as const)));
  const groups = new Map<string, RunRow[]>();
  for (const row of rows) {
    const sweep = owner.get(row.run.id);
    if (sweep) groups.set(sweep.id, [...(groups.get(sweep.id) ?? []), row]);
  }
  const shown = new Set<string>();
  return rows.flatMap((row): ListRow[] => {
    const sweep = owner.get(row.run.id);
    const group = sweep && groups.get(sweep.id);
    if (!sweep || !group || group.length < 2) return [{ kind: 'run', row, inside: false }];
    if (shown.has(sweep.id)) return [];
    shown.add(sweep.id);
    const head: ListRow = { kind: 'sweep', sweep, rows: group, open: open.has(sweep.id) };
    if (!head.open) return [head];
    return [head, ...group.map((one): ListRow => ({ kind: 'run', row: one, inside: true }))];
  });
}

/** The runs of these rows in the order of the list, those of a closed sweep too. */
export const runsOf = (rows: readonly ListRow[]): RunRow[] =>
  rows.flatMap((one) => (one.kind === 'run' ? (one.inside ? [] : [one.row]) : one.rows));
