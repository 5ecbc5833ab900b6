/** A run as lines of a terminal: progress, every metric with its curve, processes, alarms. Pure. */
import pc from 'picocolors';
import { callbackOfSet } from '../shared/runs/callbacks.ts';
import { DEFAULT_SET } from '../shared/runs/event-line.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { partOf } from '../shared/runs/machine-metrics.ts';
import type { Metric } from '../shared/runs/metric.ts';
import { metricInfo, metrics } from '../shared/runs/metrics.ts';
import type { Points } from '../shared/runs/points.ts';
import type { RunSeries } from '../shared/runs/series.ts';
import { formatBytes, formatSeconds } from './output.ts';

const LEAST_TITLE = 16;
const VALUE_WIDTH = 14;
const LEAST_CURVE = 8;
const MOST_ALARMS = 3;
/** Names and messages may hold anything: a line break would shift what is redrawn, an escape would be obeyed. */
const flat = (text: string) => text.replace(/\p{Cc}+/gu, ' ');
const BLOCKS = '▁▂▃▄▅▆▇█';

const sourceOf = (set: string) =>
  set === DEFAULT_SET ? 'evaluation' : callbackOfSet(set) === null ? flat(set) : 'callback';

/** `columns`: width of the terminal; no line is wider. */
export function watchFrame(status: RunStatus, series: RunSeries, columns: number): string[] {
  const measured = [
    ...lastsOf(series.steps, ''),
    ...Object.entries(series.evals).flatMap(([set, points]) => lastsOf(points, ` (${sourceOf(set)})`)),
    ...lastsOf(series.monitors, ''),
  ];
  const titles = Math.max(LEAST_TITLE, ...measured.map(({ title }) => title.length));
  const curve = Math.max(LEAST_CURVE, columns - titles - VALUE_WIDTH - 2);
  return [
    ...headLines(status, columns),
    '',
    ...measured.map(
      ({ title, value, values }) =>
        `${title.padEnd(titles)}${value.padStart(VALUE_WIDTH)}  ${pc.cyan(sparkline(values, curve))}`,
    ),
    ...rankLines(status),
    ...alarmLines(status),
  ].map((line) => clipped(line, columns));
}

function headLines(status: RunStatus, columns: number): string[] {
  const { name, id, phase, attempt, step, totalSteps, etaSeconds, phaseProgress, error } = status;
  const lines = [
    `${pc.bold(flat(name))}  ${pc.dim(id)}`,
    `${flat(phase)}${attempt > 1 ? pc.dim(`, attempt ${attempt}`) : ''}`,
  ];
  if (totalSteps) {
    const share = Math.min(1, step / totalSteps);
    const eta = etaSeconds === null ? '' : `, ${formatSeconds(etaSeconds)} left`;
    const words = ` ${Math.floor(share * 100)}%  step ${step} of ${totalSteps}${eta}`;
    lines.push(`${bar(share, Math.min(40, columns - words.length))}${words}`);
  } else if (phaseProgress !== null) {
    lines.push(`${bar(phaseProgress, Math.min(40, columns - 6))} ${Math.floor(phaseProgress * 100)}%`);
  }
  if (error)
    lines.push(`${pc.red('error')} ${flat(error.message)}`, `${pc.cyan('next')}  ${flat(error.hint)}`);
  return lines;
}

function bar(share: number, room: number): string {
  const width = Math.max(0, room);
  const full = Math.round(Math.max(0, Math.min(1, share)) * width);
  return pc.green('█'.repeat(full)) + '░'.repeat(width - full);
}

/** Those of the registry that were measured, in its order; `of`: behind the title, what was evaluated. */
function lastsOf(points: Points, of: string): { title: string; value: string; values: Float64Array }[] {
  const place = ({ name }: Metric) =>
    metrics.findIndex((one) => one.name === (partOf(name)?.whole ?? name)) >>> 0; // unknown ones last
  return points.names
    .map((name) => metricInfo(name))
    .filter(({ chart }) => chart !== null)
    .sort((a, b) => place(a) - place(b))
    .map((info) => {
      const values = points.metric(info.name);
      const last = values.findLast((value) => !Number.isNaN(value));
      return { title: flat(info.title) + of, value: last === undefined ? '–' : written(last, info), values };
    });
}

function written(value: number, { unit }: Metric): string {
  if (!Number.isFinite(value)) return String(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'bytes/s') return `${formatBytes(value)}/s`;
  if (unit === 'share') return `${(100 * value).toFixed(1)}%`;
  if (unit === 'seconds') return `${value.toPrecision(3)} s`;
  if (unit === 'tokens' || unit === 'tokens/s') return `${Math.round(value)} ${unit}`;
  const number = String(Number(value.toPrecision(4)));
  return unit === 'W' || unit === 'kWh' || unit === '°C' ? `${number} ${unit}` : number;
}

/** The whole curve in so many characters at most, each the mean of its part. */
export function sparkline(values: ArrayLike<number>, width: number): string {
  const known = Array.from(values).filter((value) => Number.isFinite(value));
  const count = Math.min(width, known.length);
  const means = Array.from({ length: count }, (_, k) => {
    const part = known.slice(
      Math.floor((k * known.length) / count),
      Math.floor(((k + 1) * known.length) / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const level = (value: number) => (high > low ? ((value - low) / (high - low)) * (BLOCKS.length - 1) : 0);
  return means.map((value) => BLOCKS[Math.round(level(value))]).join('');
}

function rankLines({ ranks }: RunStatus): string[] {
  if (ranks.length < 2) return [];
  const states = new Map<string, number[]>();
  for (const { rank, state } of ranks) states.set(state, [...(states.get(state) ?? []), rank]);
  const words = [...states].map(([state, some]) =>
    some.length === ranks.length ? `all ${state}` : `${state}: ${some.join(', ')}`,
  );
  return ['', `Ranks (${ranks.length})  ${words.join('; ')}`];
}

const alarmLines = ({ alarms }: RunStatus): string[] =>
  alarms
    .slice(-MOST_ALARMS)
    .flatMap(({ step, message, advice }) => [
      '',
      `${pc.yellow('alarm')} ${pc.dim(`step ${step}`)} ${flat(message)}`,
      `${pc.cyan('next')}  ${flat(advice)}`,
    ]);

/** Cut at so many characters that are seen; what colours them takes no room. */
function clipped(line: string, columns: number): string {
  let [seen, at] = [0, 0];
  while (at < line.length) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
    const colour = /^\u001b\[\d*m/.exec(line.slice(at, at + 8));
    if (colour) at += colour[0].length;
    else if (seen === columns) return `${line.slice(0, at)}${pc.reset('')}`;
    else [seen, at] = [seen + 1, at + 1];
  }
  return line;
}
