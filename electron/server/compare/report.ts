/** The comparison as one report: what differs, what came of it, and what to beware of. */
import type {
  ComparedGroup,
  ComparisonReport,
  ComparisonView,
  ResultRow,
  SettingRow,
} from '../../shared/runs/comparison.ts';
import { emptySeries, type RunSeries } from '../../shared/runs/series.ts';
import type { RunFacts } from './facts.ts';
import { lineageOf } from './lineage.ts';
import { type CostSource, limitOf, resultRows, ruleText } from './results.ts';
import { changeTexts, type Group, groupsOf, settingRows } from './settings.ts';

export interface ReportInput {
  view: ComparisonView;
  /** Of the view, those that are there, in its order. */
  runs: readonly RunFacts[];
  missing: readonly string[];
  /** By run; null: results were not asked for. */
  series: ReadonlyMap<string, RunSeries> | null;
}

/** Pinned groups come first, then the order of the view. */
export function orderedGroups(runs: readonly RunFacts[], view: ComparisonView): Group[] {
  const pinned = (group: Group) => group.runs.some(({ id }) => view.pinned.includes(id));
  const groups = groupsOf(runs, view);
  return [...groups.filter(pinned), ...groups.filter((group) => !pinned(group))];
}

export function baselineOf(groups: readonly Group[], view: ComparisonView): number {
  const chosen = groups.findIndex(({ runs }) => runs.some(({ id }) => id === view.baseline));
  return Math.max(0, chosen);
}

export const costSource = ({ checkpoints, adapterBytes }: RunFacts, series: RunSeries): CostSource => ({
  series,
  checkpointBytes: checkpoints.at(-1)?.sizeBytes ?? null,
  adapterBytes,
});

export function makeReport({ view, runs, missing, series }: ReportInput): ComparisonReport {
  const groups = orderedGroups(runs, view);
  const baseline = baselineOf(groups, view);
  const seriesOf = ({ id }: RunFacts) => series?.get(id) ?? emptySeries;
  const limit = limitOf(view.rule, runs.map(seriesOf));
  const sources = groups.map((group) => group.runs.map((run) => costSource(run, seriesOf(run))));
  const environment = environmentRows(groups, seriesOf);
  const results = series && groups.length > 0 ? resultRows(sources, baseline, view.rule, limit) : null;
  return {
    view,
    rule: ruleText(view.rule, limit),
    runs: runs.map((run) => ({
      id: run.id,
      name: run.status.name,
      state: run.status.state,
      step: run.status.step,
      totalSteps: run.status.totalSteps,
      seed: run.spec?.seed ?? null,
      createdAt: run.status.createdAt,
      problem: run.problem,
      lineage: lineageOf(run, runs, series?.get(run.id) ?? null),
    })),
    groups: groups.map((group, k) => groupInfo(group, groups[baseline] as Group, k === baseline, view)),
    settings: settingRows(groups),
    results: results ?? [],
    environment,
    warnings: [
      ...(results && nothingInCommon(groups, results) ? [NOTHING_IN_COMMON] : []),
      ...warningsOf(runs, environment),
    ],
    missing: [...missing],
  };
}

function groupInfo(group: Group, base: Group, isBaseline: boolean, view: ComparisonView): ComparedGroup {
  const [first] = group.runs as [RunFacts, ...RunFacts[]];
  const n = group.runs.length;
  const seeds = n > 1 && view.group_by.length === 0 ? ` x${n} seeds` : n > 1 ? ` x${n} runs` : '';
  return {
    key: first.id,
    title: n > 1 ? `${commonName(group.runs.map((run) => run.status.name))}${seeds}` : first.status.name,
    runs: group.runs.map(({ id }) => id),
    baseline: isBaseline,
    pinned: group.runs.some(({ id }) => view.pinned.includes(id)),
    changes:
      !isBaseline && base.runs[0]?.spec && first.spec ? changeTexts(base.runs[0].spec, first.spec) : [],
  };
}

/** Shorter than this, what names have in common says nothing. */
const SHORTEST_NAME = 3;

/** What the names of a group begin with alike, without a number or "seed" that was cut off; else the first of them. */
export function commonName(names: readonly string[]): string {
  const [first = '', ...others] = names;
  let length = first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, length))) length -= 1;
  if (length === first.length) return first;
  const common = first
    .slice(0, length)
    .replace(/[^\s]*$/, (word) => (/\d$/.test(word) ? '' : word))
    .replace(/[\s,;:_#(-]*(seed|s)?[\s,;:_#(-]*$/i, '');
  return common.length >= SHORTEST_NAME ? common : first;
}

const text = (value: unknown): string | null =>
  value === null || value === undefined
    ? null
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value);

const environmentFields: readonly { title: string; of: (run: RunFacts, series: RunSeries) => unknown }[] = [
  { title: 'Version', of: ({ environment }) => at(environment, 'collie', 'version') },
  { title: 'Commit', of: ({ environment }) => at(environment, 'collie', 'commit') },
  { title: 'Device', of: (_, { attempts }) => attempts.at(-1)?.device },
  { title: 'Host', of: ({ environment }) => at(environment, 'platform', 'host') },
  { title: 'Processor', of: ({ environment }) => at(environment, 'cpu', 'model') },
  { title: 'Precision', of: ({ spec }) => spec?.precision },
  {
    title: 'Layout',
    of: ({ spec }) =>
      spec &&
      `dp ${spec.parallel.dp_size}, tp ${spec.parallel.tp_size}, pp ${spec.parallel.pp_size}, ZeRO ${spec.parallel.zero_stage}`,
  },
];

function environmentRows(groups: readonly Group[], seriesOf: (run: RunFacts) => RunSeries): SettingRow[] {
  return environmentFields.map(({ title, of }) => {
    const values = groups.map(({ runs }) =>
      [...new Set(runs.map((run) => text(of(run, seriesOf(run))) ?? 'not recorded'))].join(' | '),
    );
    return { section: 'Environment', path: title, title, values, differs: new Set(values).size > 1 };
  });
}

const NOTHING_IN_COMMON =
  'No metric was measured in two of these groups: their settings and cost can be compared, their results cannot.';

const nothingInCommon = (groups: readonly Group[], results: readonly ResultRow[]): boolean =>
  groups.length > 1 &&
  !results.some(
    ({ kind, values }) => kind === 'quality' && values.filter((value) => value !== null).length > 1,
  );

function warningsOf(runs: readonly RunFacts[], environment: readonly SettingRow[]): string[] {
  const warnings: string[] = [];
  const differs = (title: string) => environment.find((row) => row.title === title)?.differs ?? false;
  if (differs('Device') || differs('Processor') || differs('Layout'))
    warnings.push(
      'Speed, time and memory of different devices or layouts stand side by side: they say nothing about the settings.',
    );
  for (const { status, problem } of runs) if (problem) warnings.push(`${status.name}: ${problem.message}`);
  return warnings;
}
