/** `collie compare`: runs side by side, as text or as a file. */
import { writeFileSync } from 'node:fs';
import pc from 'picocolors';
import { cellText } from '../server/compare/export.ts';
import { CollieError } from '../shared/errors.ts';
import {
  type ComparisonReport,
  type ComparisonView,
  comparisonViewSchema,
  type ResultRule,
  type Verdict,
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
    if (flags.json) return printJson({ report, verdicts });
    print(report, verdicts);
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

function print(report: ComparisonReport, verdicts: readonly Verdict[]): void {
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
  for (const verdict of verdicts) {
    const title = report.groups.find(({ key }) => key === verdict.candidate)?.title ?? verdict.candidate;
    process.stdout.write(`${pc.bold(title)}: ${verdict.sentence}\n`);
    for (const note of verdict.notes) process.stdout.write(`  ${note}\n`);
  }
  for (const warning of report.warnings) printNote(warning);
  for (const id of report.missing) printNote(`The run ${id} is not there any more.`);
}
