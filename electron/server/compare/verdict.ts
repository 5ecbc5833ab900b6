/**
 * Is the candidate better than the baseline, and is the difference real? Two levels: rows (the same rows judged by both, conversations
 * kept together) and seeds (runs that were trained again). docs/compare.md says what is tested and why. Pure.
 */
import type { Tested, Verdict } from '../../shared/runs/comparison.ts';
import { type Joined, type JoinedRow, joinRows, type RunRecord } from './examples.ts';
import { type Difference, DRAWS, type PairedResult, pairedTest } from './statistics/paired.ts';
import { exactMcNemar, holm, LEVEL, pairedT, type TTest, welchT } from './statistics/tests.ts';

/** Fewer rows than these in common are too few to say anything. */
export const FEWEST_ROWS = 20;

/** One run of a side, as far as the verdict needs it. */
export interface Side {
  id: string;
  seed: number | null;
  record: RunRecord | null;
  tokenizer: string | null;
  vocabulary: string | null;
  template: string | null;
  /** Ids of the rows it was trained on; null: not recorded. */
  trained: ReadonlySet<string> | null;
}

export interface Contest {
  candidate: string;
  baselineRuns: readonly Side[];
  candidateRuns: readonly Side[];
}

const nats = 'nats';
const bitsPerByte = 'bits per byte';
const round = (value: number) => Number(value.toPrecision(3)).toString();
const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

interface Prepared {
  joined: Joined;
  rows: JoinedRow[];
  unit: typeof nats | typeof bitsPerByte;
  notes: string[];
}

const refuse = (why: string): { refused: string } => ({ refused: why });
const known = <T>(values: readonly (T | null)[]): T[] => values.filter((value): value is T => value !== null);
const distinct = (values: readonly (string | null)[]) => new Set(known(values)).size;

/** The rows that can be compared and in which unit, or why there are none. */
function prepare({ baselineRuns, candidateRuns }: Contest): Prepared | { refused: string } {
  const all = [...baselineRuns, ...candidateRuns];
  const without = all.filter(({ record }) => record === null);
  if (without.length > 0)
    return refuse(
      `${without.map(({ id }) => id).join(', ')} ${without.length === 1 ? 'has' : 'have'} no per-example record: older runs, and runs that have not evaluated yet, have none`,
    );
  const joined = joinRows(
    known(baselineRuns.map((run) => run.record)),
    known(candidateRuns.map((run) => run.record)),
  );
  const common = joined.rows.length;
  if (common < Math.min(FEWEST_ROWS, joined.baselineRows))
    return refuse(
      `they were evaluated on other rows: of ${joined.baselineRows} and ${joined.candidateRows}, ${common} are the same`,
    );
  const notes: string[] = [];
  if (common < Math.max(joined.baselineRows, joined.candidateRows))
    notes.push(
      `Only the ${common} rows that both evaluated are compared, of ${joined.baselineRows} and ${joined.candidateRows}.`,
    );
  const clean = joined.rows.filter(({ about }) => !all.some(({ trained }) => trained?.has(about.id)));
  if (clean.length < common) {
    notes.push(
      `${plural(common - clean.length, 'evaluation row')} left out: one of the runs was trained on them.`,
    );
    if (clean.length < Math.min(FEWEST_ROWS, common))
      return refuse(
        `one of the runs was trained on ${common - clean.length} of the ${common} evaluation rows`,
      );
  }
  if (clean.every(({ sameTokens }) => sameTokens)) return { joined, rows: clean, unit: nats, notes };
  return otherTokens(all, joined, clean, notes);
}

/** Other tokens for the same text: bits per byte across tokenizers, else nothing. */
function otherTokens(
  all: readonly Side[],
  joined: Joined,
  clean: JoinedRow[],
  notes: string[],
): Prepared | { refused: string } {
  if (distinct(all.map(({ vocabulary }) => vocabulary)) < 2) {
    const template = distinct(all.map((run) => run.template)) > 1;
    return refuse(
      template
        ? 'their chat templates differ, so that the models answered other prompts'
        : 'the same rows became other tokens (system prompt, mapping or truncation differ)',
    );
  }
  const whole = clean.filter(({ about }) => about.answer_bytes !== null && about.answer_bytes > 0);
  if (whole.length < FEWEST_ROWS)
    return refuse('their tokenizers differ, and too few answers are whole to count bits per byte');
  notes.push('Tokenizers differ, so losses are compared in bits per byte of the answers.');
  return { joined, rows: whole, unit: bitsPerByte, notes };
}

function lossDifferences({ rows, unit }: Prepared): Difference[] {
  return rows.map(({ about, baseline, candidate }) => ({
    cluster: about.conversation,
    difference: (candidate.loss - baseline.loss) / (unit === nats ? 1 : Math.LN2),
    weight: unit === nats ? baseline.targets : (about.answer_bytes as number),
  }));
}

function accuracyDifferences(rows: readonly JoinedRow[]): Difference[] {
  return rows.map(({ about, baseline, candidate }) => ({
    cluster: about.conversation,
    difference: candidate.correct - baseline.correct,
    weight: baseline.targets,
  }));
}

const tested = (metric: string, title: string, unit: string, found: PairedResult): Tested => ({
  metric,
  title,
  unit,
  difference: found.difference,
  low: found.low,
  high: found.high,
  p: found.p,
  adjusted: found.p,
  detectable: Number.isFinite(found.detectable) ? found.detectable : null,
  test: `paired permutation test over ${plural(found.clusters, 'conversation')}, percentile bootstrap interval`,
});

/** Right: every token of the answer would have been chosen. Only of single runs, as a mean over seeds is neither right nor wrong. */
function wholeAnswers(rows: readonly JoinedRow[]): Tested {
  const right = (side: JoinedRow['baseline']) => side.correct === side.targets;
  const won = rows.filter((row) => right(row.candidate) && !right(row.baseline)).length;
  const lost = rows.filter((row) => right(row.baseline) && !right(row.candidate)).length;
  const p = exactMcNemar(won, lost);
  return {
    metric: 'whole_answer',
    title: 'Answers right to the last token',
    unit: 'share',
    difference: (won - lost) / rows.length,
    low: null,
    high: null,
    p,
    adjusted: p,
    detectable: null,
    test: `exact McNemar test: ${won} won, ${lost} lost`,
  };
}

interface SeedLevel {
  found: (TTest & { n: number }) | null;
  noise: 'known' | 'unknown';
  paired: boolean;
}

/** Each run's own loss on rows that it shares with the other side: the level of seeds. */
function seedLevel({ baselineRuns, candidateRuns }: Contest, { rows, unit }: Prepared): SeedLevel {
  const ids = rows.map(({ about }) => about.id);
  const lossOf = ({ record }: Side, over = ids) => {
    const found = known(over.map((id) => record?.rows.get(id) ?? null));
    const weight = (row: (typeof found)[number]) =>
      unit === nats ? row.targets : (row.about.answer_bytes ?? 0) * Math.LN2;
    return found.reduce((sum, row) => sum + row.loss, 0) / found.reduce((sum, row) => sum + weight(row), 0);
  };
  const pairs = baselineRuns.flatMap((a) => {
    const b = a.seed === null ? undefined : candidateRuns.find(({ seed }) => seed === a.seed);
    const over = ids.filter((id) => a.record?.rows.has(id) && b?.record?.rows.has(id));
    return b && over.length > 0 ? [lossOf(b, over) - lossOf(a, over)] : [];
  });
  if (pairs.length >= 2)
    return { found: { ...pairedT(pairs), n: pairs.length }, noise: 'known', paired: true };
  if (baselineRuns.length < 2 || candidateRuns.length < 2)
    return { found: null, noise: 'unknown', paired: false };
  const [a, b] = [baselineRuns.map((run) => lossOf(run)), candidateRuns.map((run) => lossOf(run))];
  return { found: { ...welchT(a, b), n: Math.min(a.length, b.length) }, noise: 'known', paired: false };
}

interface Draft {
  contest: Contest;
  prepared: Prepared | { refused: string };
  tests: Tested[];
  seeds: SeedLevel | null;
}

function draft(contest: Contest, draws: number): Draft {
  const prepared = prepare(contest);
  if ('refused' in prepared) return { contest, prepared, tests: [], seeds: null };
  const loss = tested(
    'loss',
    prepared.unit === nats ? 'Loss' : 'Loss per byte',
    prepared.unit,
    pairedTest(lossDifferences(prepared), draws),
  );
  const tests = [loss];
  if (prepared.unit === nats) {
    tests.push(
      tested(
        'token_accuracy',
        'Token accuracy',
        'share',
        pairedTest(accuracyDifferences(prepared.rows), draws),
      ),
    );
    if (contest.baselineRuns.length === 1 && contest.candidateRuns.length === 1)
      tests.push(wholeAnswers(prepared.rows));
  }
  return { contest, prepared, tests, seeds: seedLevel(contest, prepared) };
}

/** The verdicts on all candidates, each against the baseline, by so many draws of permutation and bootstrap. p values hold together over all metrics and candidates (Holm). */
export function verdicts(contests: readonly Contest[], draws = DRAWS): Verdict[] {
  const drafts = contests.map((contest) => draft(contest, draws));
  const tests = drafts.flatMap((one) => one.tests);
  for (const [k, p] of holm(tests.map(({ p }) => p)).entries()) (tests[k] as Tested).adjusted = p;
  const compared = drafts.filter(({ tests: own }) => own.length > 0);
  const lowest =
    compared.length > 1 ? compared.reduce((a, b) => (differenceOf(b) < differenceOf(a) ? b : a)) : null;
  return drafts.map((one) => conclude(one, one === lowest ? compared.length : 0));
}

const differenceOf = ({ tests: [loss] }: Draft) => loss?.difference ?? Number.POSITIVE_INFINITY;

function conclude({ contest, prepared, tests, seeds }: Draft, pickedAmong: number): Verdict {
  const { candidate } = contest;
  const loss = tests[0];
  if ('refused' in prepared || !loss || !seeds) {
    const why = 'refused' in prepared ? prepared.refused : '';
    return {
      candidate,
      outcome: 'not_comparable',
      sentence: `Not comparable: ${why}.`,
      notes: [],
      rows: 0,
      conversations: 0,
      tests: [],
      seeds: null,
      seedNoise: 'unknown',
    };
  }
  const onRows = loss.adjusted <= LEVEL;
  const onSeeds = seeds.found === null || seeds.found.p <= LEVEL;
  const seen = onRows && onSeeds;
  const outcome = seen ? (loss.difference < 0 ? 'better' : 'worse') : 'no_difference';
  const notes = [...prepared.notes];
  if (onRows && !onSeeds)
    notes.push(
      `On these rows they differ (p = ${round(loss.adjusted)}), but not more than runs of other seeds do (p = ${round(seeds.found?.p ?? 1)}).`,
    );
  if (seeds.noise === 'unknown')
    notes.push('Seed noise unknown: one of the two was trained once. Two more seeds of each would tell.');
  if (pickedAmong > 1 && outcome === 'better')
    notes.push(
      `The best of ${pickedAmong} on the same rows: its lead is partly luck. Confirm it on other rows.`,
    );
  return {
    candidate,
    outcome,
    sentence: sentenceOf(outcome, loss, prepared.rows.length, seeds),
    notes,
    rows: prepared.rows.length,
    conversations: new Set(prepared.rows.map(({ about }) => about.conversation)).size,
    tests,
    seeds: seeds.found && { n: seeds.found.n, p: seeds.found.p, difference: seeds.found.difference },
    seedNoise: seeds.noise,
  };
}

function sentenceOf(outcome: Verdict['outcome'], loss: Tested, rows: number, seeds: SeedLevel): string {
  const over = `on ${plural(rows, 'row')}${seeds.found ? ` and ${seeds.found.n} ${seeds.paired ? 'matched ' : ''}seeds` : ''}`;
  const size = `${round(Math.abs(loss.difference))} ${loss.unit}`;
  const interval = `95 % interval ${round(loss.low ?? 0)} to ${round(loss.high ?? 0)}, p = ${round(loss.adjusted)}`;
  if (outcome === 'better') return `Better: its loss is ${size} lower ${over} (${interval}).`;
  if (outcome === 'worse') return `Worse: its loss is ${size} higher ${over} (${interval}).`;
  const would =
    loss.detectable === null
      ? ''
      : `; a difference of ${round(loss.detectable)} ${loss.unit} or more would have been seen`;
  return `No difference seen ${over} (${interval})${would}.`;
}
