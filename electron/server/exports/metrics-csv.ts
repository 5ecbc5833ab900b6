/** The metrics of a run as CSV (RFC 4180): a row for each point, its source and place first, then a column for each metric; empty where a point has none of it. */
import { type Axis, axes } from '../../shared/runs/points.ts';
import type { MetricSource } from './metric-rows.ts';

/** How far the run was at a point; `tokens` and `epoch` are metrics too. */
const places: Record<Axis, string> = {
  step: 'step',
  tokens: 'total_tokens',
  examples: 'total_examples',
  epoch: 'total_epochs',
  seconds: 'total_seconds',
};

/** Pieces of whole lines. */
export function* metricsCsv(sources: readonly MetricSource[]): Generator<string> {
  const names = [...new Set(sources.flatMap(({ points }) => points.names))];
  yield `${['source', ...axes.map((axis) => places[axis]), ...names].map(cell).join(',')}\n`;
  for (const { name, points } of sources) {
    const columns = [
      ...axes.map((axis) => points.axis(axis)),
      ...names.map((metric) => points.metric(metric)),
    ];
    for (let from = 0; from < points.length; from += ROWS) yield rows(name, columns, from, points.length);
  }
}

const ROWS = 1000;

function rows(source: string, columns: readonly Float64Array[], from: number, length: number): string {
  let text = '';
  for (let row = from; row < Math.min(length, from + ROWS); row += 1)
    text += `${cell(source)},${columns.map((column) => number(column[row])).join(',')}\n`;
  return text;
}

const number = (value: number | undefined) =>
  value === undefined || !Number.isFinite(value) ? '' : String(value);

const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
