/** Every run as a row: the settings in which runs differ, and what came of them. Pure. */
import type { ResultRule, RunTable } from '../../shared/runs/comparison.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import {
  type CostSource,
  costs,
  isCost,
  type Limit,
  pointsOf,
  resultOf,
  rowTitle,
  sourcesOf,
} from './results.ts';
import { activeSettings, type Group, written } from './settings.ts';

type Column = RunTable['columns'][number];
type Value = RunTable['rows'][number]['values'][number];
type Filled = Column & { values: Value[] };

/** `sourceOf` in the order of the runs of all groups. */
export function runTable(
  groups: readonly Group[],
  sourceOf: ReadonlyMap<string, CostSource>,
  rule: ResultRule,
  limit: Limit,
): RunTable {
  const runs = groups.flatMap((group) => group.runs);
  const keys = groups.flatMap((group) => group.runs.map(() => group.runs[0]?.id ?? ''));
  const sources = runs.map(({ id }) => sourceOf.get(id) as CostSource);
  const columns = [...settingColumns(runs), ...resultColumns(sources, rule, limit)];
  return {
    columns: columns.map(({ values: _, ...column }) => column),
    rows: runs.map(({ id }, k) => ({
      id,
      group: keys[k] as string,
      values: columns.map(({ values }) => values[k] ?? null),
    })),
  };
}

const numeric = (values: readonly Value[]) =>
  values.every((value) => value === null || typeof value === 'number');

/** Names are no settings: they differ always. */
function settingColumns(runs: Group['runs']): Filled[] {
  const settings = runs.map(({ spec }) => (spec ? activeSettings(spec) : null));
  const paths = new Set(settings.flatMap((one) => [...(one?.keys() ?? [])]));
  paths.delete('name');
  return [...paths].flatMap((path) => {
    const found = settings.map((one) => one?.get(path));
    const known = found.filter((one) => one !== undefined);
    const differs = new Set(found.map((one) => one?.json)).size > 1;
    const field = known[0]?.field;
    if (!differs || !field) return [];
    const raw = found.map((one) => one?.value ?? null);
    const plain = raw.every((value) => value === null || typeof value === 'number');
    const values = raw.map((value, k): Value => {
      if (found[k] === undefined) return null;
      return plain ? (value as number | null) : written(value, found[k]?.field);
    });
    return [
      {
        key: path,
        title: field.meta.title || field.key,
        kind: 'setting' as const,
        unit: field.meta.unit ?? '',
        better: null,
        numeric: numeric(values),
        values,
      },
    ];
  });
}

function resultColumns(sources: readonly CostSource[], rule: ResultRule, limit: Limit): Filled[] {
  const measured = sourcesOf(sources).flatMap(({ source, names }) =>
    names.map((name): Filled => {
      const metric = metricInfo(name);
      return {
        key: `${source}/${name}`,
        title: rowTitle(metric, source),
        kind: isCost(metric) ? 'cost' : 'result',
        unit: metric.unit,
        better: metric.better,
        numeric: true,
        values: sources.map(({ series }) => {
          const points = pointsOf(series, source);
          return points ? resultOf(points, metric, rule, limit) : null;
        }),
      };
    }),
  );
  const spent = costs.map(
    ({ name, title, unit, better, of }): Filled => ({
      key: `cost/${name}`,
      title,
      kind: 'cost',
      unit,
      better,
      numeric: true,
      values: sources.map(of),
    }),
  );
  return [...measured, ...spent].filter(({ values }) => values.some((value) => value !== null));
}
