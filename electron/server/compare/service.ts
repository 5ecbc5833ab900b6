/** What the API and `collie compare` do with comparisons. */
import { CollieError } from '../../shared/errors.ts';
import type { ExampleSummary, Examples, OpenedExample } from '../../shared/runs/compared-examples.ts';
import type {
  ComparisonReport,
  ComparisonView,
  Curves,
  DataDifference,
  Importance,
  RunTable,
  Verdict,
} from '../../shared/runs/comparison.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import type { Axis } from '../../shared/runs/points.ts';
import { emptySeries, type RunSeries } from '../../shared/runs/series.ts';
import type { RunRegistry } from '../runs/registry.ts';
import type { SeriesCache } from '../runs/series-file.ts';
import type { RunSummaries } from '../runs/summaries.ts';
import { Sides, setsOf } from './contests.ts';
import { curvesOf, lineOf, type Window } from './curves.ts';
import { dataDifference } from './data.ts';
import {
  type ExampleWish,
  exampleReport,
  exampleSummary,
  type OpenDataset,
  openedExample,
} from './example-report.ts';
import { type ExportFormat, exportComparison, type Written } from './export.ts';
import { type RunFacts, readFacts } from './facts.ts';
import { importanceOf } from './importance.ts';
import { ComparisonLibrary } from './library.ts';
import { baselineOf, costSource, makeReport, orderedGroups } from './report.ts';
import { limitOf, pointsOf, resultOf } from './results.ts';
import type { Group } from './settings.ts';
import { runTable } from './table.ts';
import { verdicts } from './verdict.ts';

export interface CompareParts {
  runs: RunRegistry;
  summaries: RunSummaries;
  series: SeriesCache;
  openDataset: OpenDataset;
}

export interface CurveWish {
  metric: string;
  source: string;
  axis: Axis;
  most: number;
  window: Window;
}

/** Of a run, in an exported chart. */
const CHART_POINTS = 800;
/** Rows that were won by most, and lost by most, of a candidate and a set, in an exported file: of many groups none, as nobody would read them. */
const OPENED_ROWS = 3;
const MOST_OPENED = 11;

export class CompareService {
  readonly library: ComparisonLibrary;
  readonly #runs: RunRegistry;
  readonly #summaries: RunSummaries;
  readonly #series: SeriesCache;
  readonly #openDataset: OpenDataset;

  constructor(home: string, parts: CompareParts) {
    this.library = new ComparisonLibrary(home);
    this.#runs = parts.runs;
    this.#summaries = parts.summaries;
    this.#series = parts.series;
    this.#openDataset = parts.openDataset;
  }

  /** `results` false: settings and states only, which are there at once however long the runs are. */
  async report(view: ComparisonView, results = true): Promise<ComparisonReport> {
    const { runs, missing } = this.#facts(view.runs);
    const series = results ? await this.#seriesOf(runs) : null;
    return makeReport({ view, runs, missing, series });
  }

  /** Of every group but the baseline, against it, on each set of evaluated rows. */
  verdicts(view: ComparisonView): Promise<Verdict[]> {
    const sides = new Sides(view.record);
    return verdicts(
      this.#pairs(view).flatMap((pair) => setsOf(pair).map((set) => sides.contest(...pair, set))),
    );
  }

  /** Row by row: the group of `candidate` against the baseline. */
  examples(view: ComparisonView, candidate: string, wish: ExampleWish): Promise<Examples> {
    return exampleReport(this.#pair(view, candidate), wish, new Sides(view.record), this.#openDataset);
  }

  example(view: ComparisonView, candidate: string, set: string, id: string): OpenedExample {
    return openedExample(this.#pair(view, candidate), set, id, new Sides(view.record));
  }

  /** Of every group but the baseline, on each set; so many rows that were won and lost are opened. */
  summaries(view: ComparisonView, most: number): ExampleSummary[] {
    const sides = new Sides(view.record);
    return this.#pairs(view).flatMap((pair) =>
      setsOf(pair).map((set) => exampleSummary(pair, set, most, sides)),
    );
  }

  data(view: ComparisonView, candidate: string): DataDifference {
    const [base, other] = this.#pair(view, candidate);
    return dataDifference(base.runs[0] as RunFacts, other.runs[0] as RunFacts);
  }

  async curves(view: ComparisonView, { metric, source, axis, most, window }: CurveWish): Promise<Curves> {
    const { runs } = this.#facts(view.runs);
    const series = await this.#seriesOf(runs);
    const groups = orderedGroups(runs, view).map((group) => ({
      key: group.runs[0]?.id ?? '',
      lines: group.runs.flatMap(({ id }) => {
        const points = pointsOf(series.get(id) as RunSeries, source);
        const line = points && lineOf(id, points, metric, axis);
        return line && line.x.length > 0 ? [line] : [];
      }),
    }));
    return curvesOf(groups, most, window);
  }

  async export(name: string, view: ComparisonView, format: ExportFormat): Promise<Written> {
    const report = await this.report(view);
    // What a comparison is mostly about: the first result, of the evaluation where there is one.
    const main = report.results.find(({ kind }) => kind === 'quality');
    const wish = main && { metric: main.metric, source: main.source, axis: 'step' as const };
    const chart = wish && {
      title: main.title,
      curves: await this.curves(view, { ...wish, most: CHART_POINTS, window: null }),
    };
    const rows = report.groups.length > MOST_OPENED ? 0 : OPENED_ROWS;
    const found = { verdicts: await this.verdicts(view), examples: this.summaries(view, rows) };
    return exportComparison(name, report, found, format, chart ?? null);
  }

  async table(view: ComparisonView): Promise<RunTable> {
    const { runs } = this.#facts(view.runs);
    const series = await this.#seriesOf(runs);
    const sources = new Map(runs.map((run) => [run.id, costSource(run, series.get(run.id) ?? emptySeries)]));
    return runTable(orderedGroups(runs, view), sources, view.rule, limitOf(view.rule, [...series.values()]));
  }

  async importance(view: ComparisonView, metric: string, source: string): Promise<Importance> {
    const { runs } = this.#facts(view.runs);
    const series = await this.#seriesOf(runs);
    const limit = limitOf(view.rule, [...series.values()]);
    const results = runs.map(({ id }) => {
      const points = pointsOf(series.get(id) as RunSeries, source);
      return points ? resultOf(points, metricInfo(metric), view.rule, limit) : null;
    });
    return importanceOf(runs, results);
  }

  #facts(ids: readonly string[]): { runs: RunFacts[]; missing: string[] } {
    const runs: RunFacts[] = [];
    const missing: string[] = [];
    for (const id of new Set(ids)) {
      try {
        runs.push(readFacts(this.#runs, (one) => this.#summaries.spec(one), id));
      } catch {
        missing.push(id);
      }
    }
    return { runs, missing };
  }

  async #seriesOf(runs: readonly RunFacts[]): Promise<Map<string, RunSeries>> {
    const all = await Promise.all(
      runs.map(async ({ id, dir }) => [id, await this.#series.get(dir)] as const),
    );
    return new Map(all);
  }

  /** The baseline with each of the others. */
  #pairs(view: ComparisonView): [Group, Group][] {
    const { runs } = this.#facts(view.runs);
    const groups = orderedGroups(runs, view);
    const base = groups[baselineOf(groups, view)];
    return base ? groups.flatMap((other): [Group, Group][] => (other === base ? [] : [[base, other]])) : [];
  }

  #pair(view: ComparisonView, candidate: string): [Group, Group] {
    const { runs } = this.#facts(view.runs);
    const groups = orderedGroups(runs, view);
    const base = groups[baselineOf(groups, view)];
    const other = groups.find((group) => group.runs.some(({ id }) => id === candidate));
    if (!base || !other)
      throw new CollieError(
        'run.not_found',
        `The run ${candidate} is not in this comparison.`,
        'Add it, or choose another.',
        { id: candidate },
      );
    return [base, other];
  }
}
