/** Which rows two sides can be compared by and in what, or why they cannot. Pure. */

import { FOLLOWED_METRICS } from '../../shared/evaluation/ifeval/follow.ts';
import { textMetric } from '../../shared/evaluation/text-metrics.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import { answerMetrics, type EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import { judgeIdentity } from '../../shared/spec/judge.ts';
import { type Joined, type JoinedRow, joinRows, type Recorded, type RunRecord } from './examples.ts';
import { kindOf, type Measure, measuresOf, type RowKind } from './measures.ts';
import { evaluatorTitle } from './set-settings.ts';
import { written } from './settings.ts';

/** Fewer rows than these in common are too few to say anything. */
export const FEWEST_ROWS = 20;

/** One run of a side, as far as the verdict on one set needs it. */
export interface Side {
  id: string;
  seed: number | null;
  recorded: Recorded;
  /** How it was evaluated; null: the held-out rows. */
  evaluation: EvaluationSetSpec | null;
  tokenizer: string | null;
  vocabulary: string | null;
  template: string | null;
  /** Ids of the rows it was trained on; null: not recorded. */
  trained: ReadonlySet<string> | null;
}

export interface Contest {
  candidate: string;
  /** The evaluated rows. */
  set: string;
  baselineRuns: readonly Side[];
  candidateRuns: readonly Side[];
}

export interface Prepared {
  kind: RowKind;
  /** Where they cannot be compared: those that can be looked at. */
  rows: JoinedRow[];
  measures: readonly Measure[];
  notes: string[];
  /** Why they cannot be compared; null: they can. */
  refused: string | null;
}

export const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

export const recordOf = ({ recorded }: Side): RunRecord | null =>
  'record' in recorded ? recorded.record : null;
const known = <T>(values: readonly (T | null)[]): T[] => values.filter((value): value is T => value !== null);
const different = <T>(values: readonly T[]): T[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

export function prepare(contest: Contest): Prepared {
  const all = [...contest.baselineRuns, ...contest.candidateRuns];
  const kinds = different(all.map(({ evaluation }) => kindOf(contest.set, evaluation)));
  const kind = kinds[0] ?? 'likelihood';
  const nothing = (refused: string): Prepared => ({ kind, rows: [], measures: [], notes: [], refused });
  const missing = missingRecords(all);
  if (missing) return nothing(missing);
  if (kinds.length > 1) return nothing(`it is a ${kinds.join(' in one run and a ')} in another`);
  const joined = joinRows(
    known(contest.baselineRuns.map(recordOf)),
    known(contest.candidateRuns.map(recordOf)),
  );
  const metrics = sharedMetrics(all);
  const notes = [...tornNotes(all), ...joinNotes(joined), ...metrics.notes];
  const clean = joined.rows.filter(({ about }) => !all.some(({ trained }) => trained?.has(about.id)));
  const tokens = tokensOf(all, clean, kind);
  const measures = measuresOf(kind, metrics.names, tokens.acrossTokenizers);
  const refused =
    otherRows(joined) ??
    otherwiseEvaluated(all, kind, joined.rows) ??
    metrics.refused ??
    trainedOn(joined, clean) ??
    tokens.refused;
  if (refused !== null) return { kind, rows: joined.rows, measures, notes, refused };
  const seen = joined.rows.length - clean.length;
  if (seen > 0)
    notes.push(`${plural(seen, 'evaluation row')} left out: one of the runs was trained on them.`);
  if (tokens.acrossTokenizers)
    notes.push('Tokenizers differ, so losses are compared in bits per byte of the answers.');
  return { kind, rows: tokens.rows, measures, notes, refused };
}

/** Runs that have none, by what is the matter with them. */
function missingRecords(all: readonly Side[]): string | null {
  const problems = new Map<string, string[]>();
  for (const { id, recorded } of all)
    if ('problem' in recorded)
      problems.set(recorded.problem, [...(problems.get(recorded.problem) ?? []), id]);
  if (problems.size === 0) return null;
  return [...problems]
    .map(
      ([problem, ids]) =>
        `${ids.join(', ')} ${ids.length === 1 ? problem : problem.replace(/^has /, 'have ')}`,
    )
    .join('; ');
}

function tornNotes(all: readonly Side[]): string[] {
  return all.flatMap((side) => {
    const torn = recordOf(side)?.torn ?? 0;
    return torn > 0
      ? [
          `${plural(torn, 'row')} of the record of ${side.id} cannot be read, and ${torn === 1 ? 'is' : 'are'} left out.`,
        ]
      : [];
  });
}

const joinNotes = ({ rows, baselineRows, candidateRows }: Joined): string[] =>
  rows.length < Math.max(baselineRows, candidateRows)
    ? [
        `Only the ${rows.length} rows that both evaluated are compared, of ${baselineRows} and ${candidateRows}.`,
      ]
    : [];

const otherRows = ({ rows, baselineRows, candidateRows }: Joined): string | null =>
  rows.length < Math.min(FEWEST_ROWS, baselineRows)
    ? `they were evaluated on other rows: of ${baselineRows} and ${candidateRows}, ${rows.length} are the same`
    : null;

function trainedOn({ rows }: Joined, clean: readonly JoinedRow[]): string | null {
  if (clean.length === rows.length || clean.length >= Math.min(FEWEST_ROWS, rows.length)) return null;
  return `one of the runs was trained on ${rows.length - clean.length} of the ${rows.length} evaluation rows`;
}

type Evaluator = EvaluationSetSpec['evaluator'];
type Generation = Extract<Evaluator, { type: 'generation' }>;

/** What an answer, or a choice, depends on besides the model. */
const decisive: Record<RowKind, readonly string[]> = {
  likelihood: [],
  classification: ['normalize', 'neutral_prompt'],
  generation: ['max_new_tokens', 'stop', 'temperature', 'answers'],
};

const settingOf = (evaluator: Evaluator, key: string): unknown => (evaluator as Record<string, unknown>)[key];

/** Decoding, normalization, labels or the form of a benchmark: with others, a run answers something else. */
function otherwiseEvaluated(all: readonly Side[], kind: RowKind, rows: readonly JoinedRow[]): string | null {
  const specs = known(all.map(({ evaluation }) => evaluation));
  const evaluators = specs.map(({ evaluator }) => evaluator).filter(({ type }) => type === kind);
  const sampled = evaluators.some((one) => Number(settingOf(one, 'temperature') ?? 0) > 0);
  const found = [...decisive[kind], ...(sampled ? ['seed'] : [])].flatMap((key) => {
    const values = different(evaluators.map((one) => settingOf(one, key)));
    return values.length > 1
      ? [`${evaluatorTitle(kind, key).toLowerCase()} ${values.map((value) => written(value)).join(' and ')}`]
      : [];
  });
  const tasks = different(specs.map(({ task }) => task));
  if (tasks.length > 1) found.push(`benchmark format ${tasks.map((task) => task ?? 'none').join(' and ')}`);
  if (found.length > 0)
    return `${kind === 'generation' ? 'they were decoded otherwise' : 'they were evaluated otherwise'}: ${found.join(', ')}`;
  const relabelled = rows.some(
    ({ baseline, candidate }) =>
      different([...baseline, ...candidate].map(({ about }) => about.labels ?? null)).length > 1,
  );
  return relabelled ? 'their labels differ' : null;
}

/** Metrics that all of them are scored by, in the same way. */
function sharedMetrics(all: readonly Side[]): { names: string[]; notes: string[]; refused: string | null } {
  const specs = all
    .map(({ evaluation }) => evaluation?.evaluator)
    .filter((one): one is Generation => one?.type === 'generation');
  if (specs.length === 0) return { names: [], notes: [], refused: null };
  const metrics = known(all.map(({ evaluation }) => evaluation)).map(answerMetrics);
  const shared = (metrics[0] ?? []).filter((name) => metrics.every((names) => names.includes(name)));
  const judges = specs.map(({ judge }) => (judge.type === 'endpoint' ? judgeIdentity(judge) : null));
  const same = (name: string) => {
    if (FOLLOWED_METRICS.includes(name)) return true;
    if (name === 'judge') return different(judges).length < 2;
    const { needs } = textMetric(name);
    if (needs === null) return true;
    const rule = needs === 'pattern' ? 'pattern' : 'json_schema';
    return different(specs.map((one) => one[rule])).length < 2;
  };
  const names = shared.filter(same);
  const notes = shared
    .filter((name) => !same(name))
    .map((name) => `${metricInfo(name).title} is left out: the two have other rules for it.`);
  const lists = different(metrics).map((names) => names.join(', '));
  return {
    names,
    notes,
    refused: names.length > 0 ? null : `they have no metric in common: ${lists.join(' against ')}`,
  };
}

const distinct = (values: readonly (string | null)[]) => new Set(known(values)).size;

/** Other tokens for the same text: bits per byte across tokenizers where losses are compared, else nothing. */
function tokensOf(
  all: readonly Side[],
  clean: JoinedRow[],
  kind: RowKind,
): { rows: JoinedRow[]; acrossTokenizers: boolean; refused: string | null } {
  const refuse = (refused: string, acrossTokenizers = false) => ({ rows: clean, acrossTokenizers, refused });
  if (clean.every(({ sameTokens }) => sameTokens))
    return { rows: clean, acrossTokenizers: false, refused: null };
  const tokenizers = distinct(all.map(({ vocabulary }) => vocabulary)) > 1;
  if (tokenizers && kind === 'likelihood') {
    const rows = clean.filter(({ about }) => about.answer_bytes !== null && about.answer_bytes > 0);
    if (rows.length >= FEWEST_ROWS) return { rows, acrossTokenizers: true, refused: null };
    return refuse('their tokenizers differ, and too few answers are whole to count bits per byte', true);
  }
  if (tokenizers) return refuse('their tokenizers differ, so that the same rows became other tokens');
  if (distinct(all.map(({ template }) => template)) > 1)
    return refuse('their chat templates differ, so that the models answered other prompts');
  return refuse('the same rows became other tokens (system prompt, mapping or truncation differ)');
}
