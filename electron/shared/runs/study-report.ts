/** What a study shows: tables and figures beside those of the paper, and what is not the same. Pure. */
import { z } from 'zod';
import { studyKinds } from '../spec/study.ts';

const cellSchema = z.union([z.string(), z.number(), z.null()]);
export type StudyCell = z.infer<typeof cellSchema>;

export const studyTableSchema = z.object({
  title: z.string(),
  columns: z.array(z.string()),
  /** null: not measured, or nothing to say. */
  rows: z.array(z.array(cellSchema)),
});
export type StudyTable = z.infer<typeof studyTableSchema>;

export const studyFigureSchema = z.object({
  title: z.string(),
  x: z.string(),
  y: z.string(),
  points: z.array(z.object({ label: z.string(), series: z.string(), x: z.number(), y: z.number() })),
});
export type StudyFigure = z.infer<typeof studyFigureSchema>;

export const studyReportSchema = z.object({
  id: z.string(),
  kind: z.enum(studyKinds),
  name: z.string(),
  /** Runs that are complete, of all. */
  complete: z.number().int(),
  runs: z.number().int(),
  /** Where it was measured, in a sentence. */
  machine: z.string(),
  tables: z.array(studyTableSchema),
  figures: z.array(studyFigureSchema),
  /** What is not the same as in the paper, and what to know with the figures. */
  notes: z.array(z.string()),
  /** Points that could not be run, with the reason. */
  left_out: z.array(z.string()),
});
export type StudyReport = z.infer<typeof studyReportSchema>;

export const writtenCell = (cell: StudyCell): string =>
  cell === null ? '–' : typeof cell === 'number' ? String(Number(cell.toPrecision(4))) : cell;

/** A section of docs/studies.md. */
export function studyMarkdown(report: StudyReport): string {
  const table = ({ title, columns, rows }: StudyTable) =>
    [
      `**${title}**`,
      '',
      `| ${columns.join(' | ')} |`,
      `| ${columns.map(() => '---').join(' | ')} |`,
      ...rows.map((row) => `| ${row.map((cell) => writtenCell(cell).replaceAll('|', '\\|')).join(' | ')} |`),
      '',
    ].join('\n');
  const list = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join('\n');
  return [
    `## ${report.name}`,
    '',
    `${report.complete} of ${report.runs} runs complete. ${report.machine}`,
    '',
    ...report.tables.map(table),
    ...(report.notes.length > 0
      ? ['What is not the same, and what to know:', '', list(report.notes), '']
      : []),
    ...(report.left_out.length > 0 ? ['Left out:', '', list(report.left_out), ''] : []),
  ].join('\n');
}
