/** `collie compare`: runs side by side, as text or as a file. */
import { writeFileSync } from 'node:fs';
import pc from 'picocolors';
import { cellText, sentences } from '../server/compare/export.ts';
import {
  type Evaluations,
  evaluationTables,
  type OpenedRow,
  openedRows,
} from '../server/compare/export-evaluations.ts';
import { CollieError } from '../shared/errors.ts';
import {
  type ComparisonReport,
  type ComparisonView,
  comparisonViewSchema,
  type ResultRule,
} from '../shared/runs/comparison.ts';
import { formatBytes, printJson, printNote, printTable } from './output.ts';
import { withHost } from './session.ts';

export const formats = ['text', 'html', 'markdown', 'csv', 'latex'] as const;

export interface CompareFlags {
  json: boolean;
  saved?: string;
  baseline?: string;
  groupBy: string[];
  groups: boolean;
  rule: ResultRule;
  record: ComparisonView['record'];
  format: (typeof formats)[number];
  out?: string;
  save?: string;
  /** So many rows that were won, and lost, are shown with both outputs. */
  examples: number;
}

export async function compareCommand(runs: string[], flags: CompareFlags): Promise<void> {
  await withHost(async (host) => {
    const saved = flags.saved === undefined ? null : await host.call('compare.get', { id: flags.saved });
    const asked = {
      runs,
      group_by: flags.groupBy,
      grouped: flags.groups,
      baseline: flags.baseline ?? null,
      rule: flags.rule,
      record: flags.record,
    };
    const view = saved?.view ?? comparisonViewSchema.parse(asked);
    if (view.runs.length === 0)
      throw new CollieError(
        'request.invalid',
        'No run to compare is named.',
        'Name some: collie compare <run> <run> ...; `collie runs list` shows them.',
      );
    const name = flags.save ?? saved?.name ?? 'Comparison';
    if (flags.save !== undefined) {
      const { id } = await host.call('compare.save', { name, view });
      printNote(`Saved as ${id}. Show it again: collie compare --saved ${id}`);
    }
    if (flags.format !== 'text')
      return write(await host.call('compare.export', { name, view, format: flags.format }), flags.out);
    const report = await host.call('compare.report', { view });
    if (report.runs.length === 0)
      throw new CollieError(
        'request.invalid',
        `None of these runs is in the library: ${view.runs.join(', ')}.`,
        '`collie runs list` shows those that are there.',
      );
    const verdicts = await host.call('compare.verdicts', { view });
    const examples = await host.call('compare.summaries', { view, rows: flags.examples });
    if (flags.json) return printJson({ report, verdicts, examples });
    print(report, { verdicts, examples });
  });
}

function write({ name, text }: { name: string; text: string }, out?: string): void {
  if (out === undefined || out === '-') {
    process.stdout.write(text);
    return;
  }
  writeFileSync(out, text);
  printNote(`${name} written to ${out}`);
}

/** Fewer digits than in files: a terminal is for looking. */
const shownIn = (unit: string) => (value: number) => {
  if (unit !== 'bytes') return Number(value.toPrecision(4)).toString();
  return value < 0 ? `-${formatBytes(-value)}` : formatBytes(value);
};

function print(report: ComparisonReport, found: Evaluations): void {
  const columns = report.groups.map(({ title, baseline }) => (baseline ? `${title} *` : title));
  const settings = report.settings.filter(({ differs }) => differs);
  printTable([
    ['SETTING', ...columns],
    ...settings.map((row) => [row.title, ...row.values.map((value) => value ?? '-')]),
  ]);
  process.stdout.write('\n');
  printTable([
    ['RESULT', ...columns],
    ...report.results.map((row) => [
      row.title,
      ...row.values.map((cell) => cellText(cell, shownIn(row.unit)) || '-'),
    ]),
  ]);
  process.stdout.write(`\n${report.rule} * is the baseline.\n`);
  for (const run of report.runs)
    for (const { text } of run.lineage) process.stdout.write(`${run.name}: ${text}\n`);
  process.stdout.write('\n');
  for (const line of sentences(report, found.verdicts)) process.stdout.write(`${line}\n`);
  for (const { title, head, rows } of evaluationTables(report, found)) {
    if (rows.length === 0) continue;
    process.stdout.write(`\n${pc.bold(title)}\n`);
    printTable([head.map((cell) => cell.toUpperCase()), ...rows]);
  }
  for (const row of openedRows(report, found.examples)) printOpened(row);
  for (const warning of report.warnings) printNote(warning);
  for (const id of report.missing) printNote(`The run ${id} is not there any more.`);
}

function printOpened({ candidate, set, outcome, asked, expected, baseline, other }: OpenedRow): void {
  process.stdout.write(`\n${pc.bold(`${candidate}, ${set}: ${outcome}`)}\n`);
  for (const [name, text] of Object.entries({ asked, expected, baseline, candidate: other }))
    process.stdout.write(`${`${name}:`.padEnd(11)}${text.replaceAll('\n', `\n${' '.repeat(11)}`)}\n`);
}
