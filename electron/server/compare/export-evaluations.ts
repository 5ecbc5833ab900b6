/** The evaluated rows of a comparison in a file: the verdict by set and metric, rows won and lost, and answers side by side. Pure. */
import { diffWordsWithSpace } from 'diff';
import type { ExampleSummary, RowOutput } from '../../shared/runs/compared-examples.ts';
import {
  type ComparisonReport,
  evaluatedTitle,
  outcomeTitles,
  type Verdict,
} from '../../shared/runs/comparison.ts';

export interface Evaluations {
  verdicts: readonly Verdict[];
  examples: readonly ExampleSummary[];
}

export interface Table {
  title: string;
  head: string[];
  rows: string[][];
}

const short = (value: number) => Number(value.toPrecision(4)).toString();

const titleIn = (report: ComparisonReport) => (key: string) =>
  report.groups.find((group) => group.key === key)?.title ?? key;

/** Tables of any format. */
export function evaluationTables(report: ComparisonReport, { verdicts, examples }: Evaluations): Table[] {
  const titleOf = titleIn(report);
  const tested = verdicts.flatMap(({ candidate, set, tests }) =>
    tests.map((test) => [
      titleOf(candidate),
      evaluatedTitle(set),
      test.title,
      `${short(test.difference)} ${test.unit}`.trim(),
      test.low === null || test.high === null ? '' : `${short(test.low)} to ${short(test.high)}`,
      short(test.adjusted),
      test.seeds ? `${short(test.seeds.p)} (${test.seeds.n})` : '',
      outcomeTitles[test.outcome].toLowerCase(),
    ]),
  );
  const counted = examples.flatMap(({ candidate, set, metrics }) =>
    metrics.map(({ title, rows, won, lost, tied }) => [
      titleOf(candidate),
      evaluatedTitle(set),
      title,
      ...[rows, won, lost, tied].map(String),
    ]),
  );
  const sliced = examples.flatMap(({ candidate, set, metrics: [first], slices }) =>
    slices.map(({ title, rows, won, lost, difference }) => [
      ...[titleOf(candidate), evaluatedTitle(set), first?.title ?? '', title],
      ...[rows, won, lost].map(String),
      short(difference),
    ]),
  );
  return [
    {
      title: 'Verdict by set and metric',
      head: [
        'Against the baseline',
        'Rows of',
        'Metric',
        'Difference',
        '95 % interval',
        'p, corrected',
        'p of seeds (n)',
        'Outcome',
      ],
      rows: tested,
    },
    {
      title: 'Rows won and lost',
      head: ['Against the baseline', 'Rows of', 'Metric', 'Rows', 'Won', 'Lost', 'Tied'],
      rows: counted,
    },
    {
      title: 'Rows by length',
      head: [
        'Against the baseline',
        'Rows of',
        'Metric',
        'Rows with',
        'Rows',
        'Won',
        'Lost',
        'Mean difference',
      ],
      rows: sliced,
    },
  ];
}

/** Of one output in words; null: it has a value alone. */
export function outputText({ answers, chosen, probability }: RowOutput): string | null {
  if (chosen !== null)
    return probability === null ? chosen : `${chosen} (${(100 * probability).toFixed(1)} %)`;
  if (answers.length === 0) return null;
  return answers.map(({ text }) => text || '(an empty answer)').join('\n---\n');
}

export interface OpenedRow {
  candidate: string;
  set: string;
  outcome: 'won' | 'lost';
  asked: string;
  expected: string;
  /** Of the first run of each; values where nothing was said. */
  baseline: string;
  other: string;
  /** Words were generated, which can be compared. */
  words: boolean;
}

export function openedRows(report: ComparisonReport, examples: readonly ExampleSummary[]): OpenedRow[] {
  const titleOf = titleIn(report);
  return examples.flatMap(({ candidate, set, rows }) =>
    rows.map((row) => {
      const [metric] = row.metrics;
      const said = ([output]: readonly RowOutput[]) => {
        if (!output) return '';
        const value = metric && output.scores[metric.name];
        return outputText(output) ?? (value === undefined ? '' : `${metric?.title} ${short(value)}`);
      };
      return {
        candidate: titleOf(candidate),
        set: evaluatedTitle(set),
        outcome: row.outcome,
        asked: row.messages.findLast(({ role }) => role === 'user')?.content ?? row.id,
        expected: row.expected.join(' | '),
        baseline: said(row.baseline),
        other: said(row.candidate),
        words: (row.baseline[0]?.answers.length ?? 0) > 0,
      };
    }),
  );
}

export const openedTable = (rows: readonly OpenedRow[]): Table => ({
  title: 'Rows won and lost by most',
  head: ['Against the baseline', 'Rows of', 'Asked', 'Expected', 'Baseline', 'Candidate', 'Outcome'],
  rows: rows.map(({ candidate, set, asked, expected, baseline, other, outcome }) => [
    candidate,
    set,
    asked,
    expected,
    baseline,
    other,
    outcome,
  ]),
});

/** Both sides of an opened row as HTML, words that only one has marked. `escaped` makes text of HTML. */
export function markedWords(
  { baseline, other, words }: OpenedRow,
  escaped: (text: string) => string,
): [string, string] {
  if (!words) return [escaped(baseline), escaped(other)];
  const pieces = diffWordsWithSpace(baseline, other);
  const side = (tag: 'del' | 'ins') =>
    pieces
      .filter(({ added, removed }) => (tag === 'del' ? !added : !removed))
      .map(({ value, added, removed }) =>
        added || removed ? `<${tag}>${escaped(value)}</${tag}>` : escaped(value),
      )
      .join('');
  return [side('del'), side('ins')];
}

/** Lines of the CSV: a value in the column of the group that it is of. */
export function evaluationLines(report: ComparisonReport, { verdicts, examples }: Evaluations): string[][] {
  const at = (key: string, value: string, baseline = '') =>
    report.groups.map((group) => (group.key === key ? value : group.baseline ? baseline : ''));
  const lines: string[][] = [];
  for (const { candidate, set, sentence, tests } of verdicts) {
    lines.push(['verdict', evaluatedTitle(set), '', 'sentence', ...at(candidate, sentence)]);
    for (const test of tests)
      for (const what of ['difference', 'low', 'high', 'p', 'adjusted', 'outcome'] as const)
        lines.push([
          'verdict',
          `${evaluatedTitle(set)}: ${test.title}`,
          test.unit,
          what,
          ...at(candidate, String(test[what] ?? '')),
        ]);
  }
  for (const summary of examples) {
    const { candidate, set, metrics, slices } = summary;
    for (const { title, won, lost, tied } of metrics)
      for (const [what, count] of Object.entries({ won, lost, tied }))
        lines.push(['rows', `${evaluatedTitle(set)}: ${title}`, '', what, ...at(candidate, String(count))]);
    for (const { title, won, lost, difference } of slices)
      for (const [what, value] of Object.entries({ won, lost, difference }))
        lines.push([
          'rows by length',
          `${evaluatedTitle(set)}: ${title}`,
          '',
          what,
          ...at(candidate, String(value)),
        ]);
    for (const row of openedRows(report, [summary]))
      lines.push([
        row.outcome,
        `${row.set}: ${row.asked}`,
        '',
        'output',
        ...at(candidate, row.other, row.baseline),
      ]);
  }
  return lines;
}
