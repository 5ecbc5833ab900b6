/** What the API and `collie compare` do with comparisons. */
import { CollieError } from '../../shared/errors.ts';
import type {
  ComparedExample,
  ComparisonReport,
  ComparisonView,
  Curve,
  DataDifference,
  Examples,
  Importance,
  Verdict,
} from '../../shared/runs/comparison.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import type { Axis } from '../../shared/runs/points.ts';
import type { RunSeries } from '../../shared/runs/series.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { dataDifference } from './data.ts';
import { type JoinedRow, joinRows, readRecord, readRowHashes } from './examples.ts';
import { type RunFacts, readFacts } from './facts.ts';
import { importanceOf } from './importance.ts';
import { ComparisonLibrary } from './library.ts';
import { baselineOf, makeReport, orderedGroups } from './report.ts';
import { limitOf, pointsOf, resultOf } from './results.ts';
import { SeriesCache } from './series-cache.ts';
import type { Group } from './settings.ts';
import { thinned } from './thin.ts';
import { type Side, verdicts } from './verdict.ts';

export class CompareService {
  readonly library: ComparisonLibrary;
  readonly #runs: RunRegistry;
  readonly #series = new SeriesCache();

  constructor(home: string, runs: RunRegistry) {
    this.library = new ComparisonLibrary(home);
    this.#runs = runs;
  }

  /** `results` false: settings and states only, which are there at once however long the runs are. */
  async report(view: ComparisonView, results = true): Promise<ComparisonReport> {
    const { runs, missing } = this.#facts(view.runs);
    const series = results ? await this.#seriesOf(runs) : null;
    return makeReport({ view, runs, missing, series });
  }

  /** Of every group but the baseline, against it. */
  verdicts(view: ComparisonView): Verdict[] {
    const { runs } = this.#facts(view.runs);
    const groups = orderedGroups(runs, view);
    const baseline = baselineOf(groups, view);
    const sides = groups.map((group) => group.runs.map((run) => sideOf(run, view)));
    const contests = groups.flatMap(({ runs: [first] }, k) =>
      k === baseline || !first
        ? []
        : [
            {
              candidate: first.id,
              baselineRuns: sides[baseline] as Side[],
              candidateRuns: sides[k] as Side[],
            },
          ],
    );
    return verdicts(contests);
  }

  /** Row by row: the group of `candidate` against the baseline. */
  examples(view: ComparisonView, candidate: string): Examples {
    const [base, other] = this.#pair(view, candidate);
    const records = [base, other].map(({ runs }) =>
      runs.map(({ dir }) => readRecord(dir, view.record)).filter((one) => one !== null),
    );
    const joined = joinRows(records[0] ?? [], records[1] ?? []);
    const none = { won: 0, lost: 0, tied: 0, examples: [], slices: [] };
    if (joined.rows.length === 0)
      return {
        ...none,
        problem:
          'They have no evaluated row in common, or one of them has no per-example record (older runs have none).',
      };
    const examples = joined.rows.map(exampleOf);
    const count = (outcome: ComparedExample['outcome']) =>
      examples.filter((one) => one.outcome === outcome).length;
    return {
      problem: null,
      won: count('won'),
      lost: count('lost'),
      tied: count('tied'),
      examples,
      slices: slicesOf(examples),
    };
  }

  data(view: ComparisonView, candidate: string): DataDifference {
    const [base, other] = this.#pair(view, candidate);
    return dataDifference(base.runs[0] as RunFacts, other.runs[0] as RunFacts);
  }

  async curves(
    ids: readonly string[],
    metric: string,
    source: string,
    axis: Axis,
    most: number,
  ): Promise<Curve[]> {
    const { runs } = this.#facts(ids);
    const series = await this.#seriesOf(runs);
    return runs.flatMap(({ id }) => {
      const points = pointsOf(series.get(id) as RunSeries, source);
      if (!points || points.metric(metric).length === 0) return [];
      return [{ id, points: points.length, ...thinned(points.axis(axis), points.metric(metric), most) }];
    });
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
        runs.push(readFacts(this.#runs, id));
      } catch {
        missing.push(id);
      }
    }
    return { runs, missing };
  }

  async #seriesOf(runs: readonly RunFacts[]): Promise<Map<string, RunSeries>> {
    const series = new Map<string, RunSeries>();
    for (const { id, dir } of runs) series.set(id, await this.#series.get(dir));
    return series;
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

function sideOf({ id, dir, spec, meta }: RunFacts, view: ComparisonView): Side {
  const trained = readRowHashes(dir, 'train');
  return {
    id,
    seed: spec?.seed ?? null,
    record: readRecord(dir, view.record),
    tokenizer: meta?.tokenizer ?? null,
    vocabulary: meta?.vocabulary ?? null,
    template: meta?.template ?? null,
    trained: trained && new Set(trained.map((row) => row.id)),
  };
}

/** Differences of rounding are no win. */
const TIE = 1e-6;

function exampleOf({ about, baseline, candidate }: JoinedRow): ComparedExample {
  const [a, b] = [baseline.loss / baseline.targets, candidate.loss / candidate.targets];
  return {
    id: about.id,
    conversation: about.conversation,
    messages: about.messages,
    tokens: about.tokens,
    baseline: a,
    candidate: b,
    outcome: Math.abs(a - b) <= TIE * Math.max(a, b) ? 'tied' : b < a ? 'won' : 'lost',
  };
}

/** Quarters of the rows by length. */
function slicesOf(examples: readonly ComparedExample[]): Examples['slices'] {
  const sorted = [...examples].sort((a, b) => a.tokens - b.tokens);
  const quarters = Math.min(4, sorted.length);
  return Array.from({ length: quarters }, (_, k) => {
    const rows = sorted.slice(
      Math.floor((k * sorted.length) / quarters),
      Math.floor(((k + 1) * sorted.length) / quarters),
    );
    return {
      title: `${rows[0]?.tokens} to ${rows.at(-1)?.tokens} tokens`,
      rows: rows.length,
      difference: rows.reduce((sum, one) => sum + one.candidate - one.baseline, 0) / rows.length,
      won: rows.filter(({ outcome }) => outcome === 'won').length,
      lost: rows.filter(({ outcome }) => outcome === 'lost').length,
    };
  });
}
