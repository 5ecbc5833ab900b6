/** All measured points of a chart as rows, and as a CSV text. Pure. */
import type { ChartLine } from './chart-model.ts';

export interface PointRow {
  x: number;
  /** One per line; null where the line has no point at x. */
  values: (number | null)[];
}

/** The union of all x, rising. */
export function allRows(lines: readonly ChartLine[]): PointRow[] {
  const rows: PointRow[] = [];
  const next = lines.map(() => 0);
  for (;;) {
    const x = Math.min(...lines.map((line, i) => line.x[next[i] as number] ?? Number.POSITIVE_INFINITY));
    if (x === Number.POSITIVE_INFINITY || lines.length === 0) return rows;
    const values = lines.map((line, i) => {
      const at = next[i] as number;
      if (line.x[at] !== x) return null;
      next[i] = at + 1;
      const y = line.y[at] as number;
      return Number.isFinite(y) ? y : null;
    });
    rows.push({ x, values });
  }
}

/** RFC 4180, with a header row; full precision. */
export function toCsv(xLabel: string, lines: readonly ChartLine[]): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = [xLabel, ...lines.map((line) => line.label)].map(cell).join(',');
  const body = allRows(lines).map((row) => [row.x, ...row.values.map((v) => v ?? '')].join(','));
  return `${[head, ...body].join('\r\n')}\r\n`;
}
