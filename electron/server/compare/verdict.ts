/**
 * Is the candidate better than the baseline, and is the difference real? By set of evaluated rows and by metric, on two levels: rows (the same rows
 * judged by both, conversations kept together) and seeds (runs that were trained again). docs/compare.md says what is tested and why. Pure.
 */
import { setImmediate } from 'node:timers/promises';
import type { Tested, Verdict } from '../../shared/runs/comparison.ts';
import { type Contest, type Prepared, plural, prepare, recordOf, type Side } from './comparable.ts';
import type { JoinedRow } from './examples.ts';
import { type Measure, type ValuedRow, valuedRows } from './measures.ts';
import { type Difference, DRAWS, type PairedResult, pairedTests } from './statistics/paired.ts';
import { exactMcNemar, holm, LEVEL, pairedT, welchT } from './statistics/tests.ts';
import { type SeedLevel, sentenceOf, short } from './verdict-words.ts';

/** Tests that are made before others have a turn: some 100 ms. */
const AT_ONCE = 16;

/** One metric of one set, not yet corrected for the others. */
interface Trial {
  measure: Measure;
  rows: readonly ValuedRow[];
  differences: Difference[];
  /** Every value is right or wrong, and no conversation has two rows: what McNemar's test is for. */
  rightOrWrong: { won: number; lost: number } | null;
  seeds: SeedLevel;
}

interface Draft {
  contest: Contest;
  prepared: Prepared;
  trials: Trial[];
  tests: Tested[];
}

/**
 * The verdicts on all candidates and sets, each against the baseline, by so many draws of permutation and bootstrap. p values hold together over
 * all metrics, sets and candidates (Holm).
 */
export async function verdicts(contests: readonly Contest[], draws = DRAWS): Promise<Verdict[]> {
  const drafts = contests.map(draftOf);
  const trials = drafts.flatMap((draft) => draft.trials.map((trial) => ({ draft, trial })));
  for (let first = 0; first < trials.length; first += AT_ONCE) {
    if (first > 0) await setImmediate();
    const some = trials.slice(first, first + AT_ONCE);
    const found = pairedTests(
      some.map(({ trial }) => trial.differences),
      draws,
    );
    for (const [k, { draft, trial }] of some.entries())
      draft.tests.push(tested(trial, found[k] as PairedResult));
  }
  const tests = drafts.flatMap((draft) => draft.tests);
  for (const [k, p] of holm(tests.map(({ p }) => p)).entries()) (tests[k] as Tested).adjusted = p;
  for (const { trials: own, tests: results } of drafts)
    for (const [k, test] of results.entries()) test.outcome = outcomeOf(test, (own[k] as Trial).seeds);
  return withoutRepeats(drafts.map((draft) => conclude(draft, rivals(draft, drafts))));
}

function draftOf(contest: Contest): Draft {
  const prepared = prepare(contest);
  const trials = prepared.refused === null ? trialsOf(contest, prepared) : [];
  return { contest, prepared, trials, tests: [] };
}

const isSingle = ({ baselineRuns, candidateRuns }: Contest) =>
  baselineRuns.length === 1 && candidateRuns.length === 1;

function trialsOf(contest: Contest, { rows, measures }: Prepared): Trial[] {
  const single = isSingle(contest);
  return measures.flatMap((measure) => {
    if (measure.single && !single) return [];
    const valued = valuedRows(rows, measure);
    if (valued.length === 0) return [];
    const differences = valued.map(({ row, baseline, candidate }) => ({
      cluster: row.about.conversation,
      difference: candidate.value - baseline.value,
      weight: baseline.weight,
    }));
    const rightOrWrong = single ? discordant(valued) : null;
    return [{ measure, rows: valued, differences, rightOrWrong, seeds: seedLevel(contest, rows, measure) }];
  });
}

/** Rows that only one of the two has right; null: values are no right or wrong, or rows of one conversation hang together. */
function discordant(rows: readonly ValuedRow[]): Trial['rightOrWrong'] {
  const binary = (side: ValuedRow['baseline']) => side.weight === 1 && (side.value === 0 || side.value === 1);
  if (!rows.every(({ baseline, candidate }) => binary(baseline) && binary(candidate))) return null;
  if (new Set(rows.map(({ row }) => row.about.conversation)).size < rows.length) return null;
  const count = (sign: number) =>
    rows.filter(({ baseline, candidate }) => candidate.value - baseline.value === sign).length;
  return { won: count(1), lost: count(-1) };
}

function tested({ measure, rightOrWrong, seeds }: Trial, found: PairedResult): Tested {
  const p = rightOrWrong ? exactMcNemar(rightOrWrong.won, rightOrWrong.lost) : found.p;
  const { metric, title, unit, better } = measure;
  return {
    metric,
    title,
    unit,
    better,
    outcome: 'no_difference',
    difference: found.difference,
    low: found.low,
    high: found.high,
    p,
    adjusted: p,
    detectable: Number.isFinite(found.detectable) ? found.detectable : null,
    test: rightOrWrong
      ? `exact McNemar test: ${rightOrWrong.won} with 1 only for the candidate, ${rightOrWrong.lost} only for the baseline; percentile bootstrap interval`
      : `paired permutation test over ${plural(found.clusters, 'conversation')}, percentile bootstrap interval`,
    seeds: seeds.found && { n: seeds.found.n, p: seeds.found.p, difference: seeds.found.difference },
  };
}

/** Each run's own value on rows that it shares with the other side: the level of seeds. */
function seedLevel(
  { baselineRuns, candidateRuns }: Contest,
  rows: readonly JoinedRow[],
  { of }: Measure,
): SeedLevel {
  const ids = rows.map(({ about }) => about.id);
  const measuredOf = (side: Side, id: string) => {
    const row = recordOf(side)?.rows.get(id);
    return row ? of(row) : null;
  };
  const resultOf = (side: Side, over = ids) => {
    const found = over.map((id) => measuredOf(side, id)).filter((one) => one !== null);
    return (
      found.reduce((sum, { value }) => sum + value, 0) / found.reduce((sum, { weight }) => sum + weight, 0)
    );
  };
  const pairs = baselineRuns.flatMap((a) => {
    const b = a.seed === null ? undefined : candidateRuns.find(({ seed }) => seed === a.seed);
    const over = b ? ids.filter((id) => measuredOf(a, id) && measuredOf(b, id)) : [];
    return b && over.length > 0 ? [resultOf(b, over) - resultOf(a, over)] : [];
  });
  if (pairs.length >= 2)
    return { found: { ...pairedT(pairs), n: pairs.length }, noise: 'known', paired: true };
  const [a, b] = [baselineRuns, candidateRuns].map((runs) =>
    runs.map((run) => resultOf(run)).filter(Number.isFinite),
  ) as [number[], number[]];
  if (a.length < 2 || b.length < 2) return { found: null, noise: 'unknown', paired: false };
  return { found: { ...welchT(a, b), n: Math.min(a.length, b.length) }, noise: 'known', paired: false };
}

/** Better or worse only where rows and seeds both agree. */
function outcomeOf(test: Tested, seeds: SeedLevel): Tested['outcome'] {
  const seen = test.adjusted <= LEVEL && (seeds.found === null || seeds.found.p <= LEVEL);
  if (!seen || test.difference === 0) return 'no_difference';
  return test.difference < 0 === (test.better === 'lower') ? 'better' : 'worse';
}

/** How much better, in the direction of the metric. */
const leadOf = ({ tests: [first] }: Draft): number =>
  first ? (first.better === 'lower' ? -first.difference : first.difference) : Number.NEGATIVE_INFINITY;

/** Among how many on the same set it is the best; 0: it is not. */
function rivals(draft: Draft, drafts: readonly Draft[]): number {
  const others = drafts.filter(({ contest, tests }) => contest.set === draft.contest.set && tests.length > 0);
  if (others.length < 2) return 0;
  return others.reduce((a, b) => (leadOf(b) > leadOf(a) ? b : a)) === draft ? others.length : 0;
}

function conclude({ contest, prepared, trials, tests }: Draft, pickedAmong: number): Verdict {
  const { candidate, set } = contest;
  const [test, trial] = [tests[0], trials[0]];
  if (prepared.refused !== null || !test || !trial) {
    const why = prepared.refused ?? 'no row has a value in both';
    const sentence = `Not comparable: ${why}.`;
    return {
      candidate,
      set,
      outcome: 'not_comparable',
      sentence,
      notes: [],
      rows: 0,
      conversations: 0,
      tests: [],
      seedNoise: 'unknown',
    };
  }
  const notes = [...prepared.notes, ...trials.flatMap((one) => withoutValue(one, prepared))];
  const { seeds } = trial;
  if (test.adjusted <= LEVEL && test.outcome === 'no_difference')
    notes.push(
      `On these rows they differ (p = ${short(test.adjusted)}), but not more than runs of other seeds do (p = ${short(seeds.found?.p ?? 1)}).`,
    );
  if (seeds.noise === 'unknown')
    notes.push('Seed noise unknown: one of the two was trained once. Two more seeds of each would tell.');
  if (pickedAmong > 1 && test.outcome === 'better')
    notes.push(
      `The best of ${pickedAmong} on the same rows: its lead is partly luck. Confirm it on other rows.`,
    );
  const rows = trial.rows.length;
  return {
    candidate,
    set,
    outcome: test.outcome,
    sentence: sentenceOf(test, rows, seeds),
    notes,
    rows,
    conversations: new Set(trial.rows.map(({ row }) => row.about.conversation)).size,
    tests,
    seedNoise: seeds.noise,
  };
}

/** A score that is not a number, or was not computed. */
function withoutValue({ measure, rows }: Trial, prepared: Prepared): string[] {
  const left = prepared.rows.length - rows.length;
  return left > 0
    ? [
        `${plural(left, 'row')} without a ${measure.title} in one of the two ${left === 1 ? 'is' : 'are'} left out of it.`,
      ]
    : [];
}

/** What was said of a candidate's set before need not be said of the next. */
function withoutRepeats(found: readonly Verdict[]): Verdict[] {
  const said = new Set<string>();
  return found.map((verdict) => {
    const notes = verdict.notes.filter((note) => !said.has(`${verdict.candidate} ${note}`));
    for (const note of notes) said.add(`${verdict.candidate} ${note}`);
    return { ...verdict, notes };
  });
}
