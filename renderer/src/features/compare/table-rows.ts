/** Settings and results as one table: what differs first, and alone until more is asked for. Pure. */
import type {
  ComparisonReport,
  ResultCell,
  SettingRow,
} from '../../../../electron/shared/runs/comparison.ts';

export type TableRow = {
  key: string;
  title: string;
  differs: boolean;
} & (
  | { kind: 'setting'; values: SettingRow['values'] }
  | { kind: 'result'; unit: string; values: readonly (ResultCell | null)[] }
);

export interface TableSection {
  key: string;
  title: string;
  rows: readonly TableRow[];
  /** Rows that are there, but left out because they are the same everywhere. */
  same: number;
}

export interface TableWish {
  onlyDiffering: boolean;
  search: string;
}

/** A result differs where two groups have other values, or one has none. */
function differs(values: readonly (ResultCell | null)[]): boolean {
  return values.some((cell) => cell?.mean !== values[0]?.mean);
}

function rowsOf(report: ComparisonReport): { section: string; row: TableRow }[] {
  const results = report.results.map((row) => ({
    // Where neither way is better, it is no result.
    section: row.kind === 'cost' ? 'Cost' : row.better === null ? 'Also measured' : 'Results',
    row: {
      key: `${row.source} ${row.metric}`,
      title: row.title,
      kind: 'result' as const,
      unit: row.unit,
      values: row.values,
      differs: differs(row.values),
    },
  }));
  const settings = [...report.settings, ...report.environment].map(({ section, path, title, ...row }) => ({
    section,
    row: { key: path, title, kind: 'setting' as const, ...row },
  }));
  return [...results, ...settings];
}

/** Sections in the order of results, cost, the form, environment; every word of the search must occur in a row or its section. */
export function tableSections(
  report: ComparisonReport,
  { onlyDiffering, search }: TableWish,
): TableSection[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rowsOf(report).filter(({ section, row }) => {
    const values = row.kind === 'setting' ? row.values.join(' ') : '';
    const text = `${section} ${row.title} ${row.key} ${values}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const order = [
    'Results',
    'Settings',
    'Cost',
    'Also measured',
    ...new Set(found.map(({ section }) => section)),
  ];
  const sections = new Map<string, TableRow[]>([...new Set(order)].map((title) => [title, []]));
  for (const { section, row } of found) {
    // Settings that differ stand together, whatever part of the form they are of: they are what the runs are about.
    const first = row.kind === 'setting' && row.differs && section !== 'Environment';
    sections.get(first ? 'Settings' : section)?.push(row);
  }
  // One group differs from nothing: all of it is shown.
  const alone = onlyDiffering && report.groups.length > 1;
  return [...sections].flatMap(([title, all]) => {
    // Results and cost are why one compares: they are there also where they are equal.
    const always = title === 'Results' || title === 'Cost';
    const rows = alone && !always ? all.filter((row) => row.differs) : all;
    return all.length === 0
      ? []
      : [
          {
            key: title,
            title: title === 'Settings' ? 'Settings that differ' : title,
            rows,
            same: all.length - rows.length,
          },
        ];
  });
}
