/** A comparison as a file: Markdown, CSV, a LaTeX table, or one HTML page that needs nothing else. Pure. */
import {
  type ComparisonReport,
  evaluatedTitle,
  type ResultCell,
  type ResultRow,
  type Verdict,
} from '../../shared/runs/comparison.ts';
import { chartSvg, type ExportChart } from './export-chart.ts';
import {
  type Evaluations,
  evaluationLines,
  evaluationTables,
  markedWords,
  type OpenedRow,
  openedRows,
  openedTable,
  type Table,
} from './export-evaluations.ts';

export const exportFormats = ['html', 'markdown', 'csv', 'latex'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const extensions: Record<ExportFormat, string> = { html: 'html', markdown: 'md', csv: 'csv', latex: 'tex' };

export interface Written {
  name: string;
  text: string;
}

export function exportComparison(
  name: string,
  report: ComparisonReport,
  found: Evaluations,
  format: ExportFormat,
  chart: ExportChart | null = null,
): Written {
  const tables = tablesOf(report, found);
  const writers: Record<ExportFormat, () => string> = {
    html: () => html(name, report, found, tables, chart),
    markdown: () => markdown(name, report, found, tables),
    csv: () => csv(report, found, tables),
    latex: () => latex(report, tables),
  };
  const file =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'comparison';
  return { name: `${file}.${extensions[format]}`, text: writers[format]() };
}

const digits = (value: number) =>
  Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : Number(value.toPrecision(6)).toString();

/** "1.23 +- 0.02 (3), -0.1 better": the whole cell in words. */
export function cellText(cell: ResultCell | null, show: (value: number) => string = digits): string {
  if (cell === null) return '';
  const spread = cell.sd === null ? '' : ` ± ${show(cell.sd)} (${cell.n})`;
  const sign = cell.delta !== null && cell.delta > 0 ? '+' : '';
  const delta =
    cell.delta === null
      ? ''
      : `, ${sign}${show(cell.delta)}${cell.better === null ? '' : cell.better ? ' better' : ' worse'}`;
  return show(cell.mean) + spread + delta;
}

function tablesOf(report: ComparisonReport, found: Evaluations): Table[] {
  const { groups, settings, results, environment } = report;
  const columns = groups.map(({ title, baseline }) => (baseline ? `${title} (baseline)` : title));
  const resultTable = (title: string, rows: readonly ResultRow[]): Table => ({
    title,
    head: ['', ...columns],
    rows: rows.map((row) => [
      row.unit ? `${row.title}, ${row.unit}` : row.title,
      ...row.values.map((cell) => cellText(cell)),
    ]),
  });
  const settingTable = (title: string, rows: ComparisonReport['settings']): Table => ({
    title,
    head: ['', ...columns],
    rows: rows.map((row) => [`${row.section}: ${row.title}`, ...row.values.map((value) => value ?? '')]),
  });
  return [
    settingTable(
      'Settings that differ',
      settings.filter(({ differs }) => differs),
    ),
    resultTable(
      'Results',
      results.filter(({ kind }) => kind === 'quality'),
    ),
    ...evaluationTables(report, found),
    resultTable(
      'Cost',
      results.filter(({ kind }) => kind === 'cost'),
    ),
    settingTable('Environment', environment),
    settingTable(
      'Settings that are the same',
      settings.filter(({ differs }) => !differs),
    ),
  ].filter(({ rows }) => rows.length > 0);
}

/** A set is named where there are several. */
export function sentences(report: ComparisonReport, found: readonly Verdict[]): string[] {
  const several = new Set(found.map(({ set }) => set)).size > 1;
  const titleOf = (key: string) => report.groups.find((group) => group.key === key)?.title ?? key;
  return found.flatMap((verdict) => [
    `${titleOf(verdict.candidate)}${several ? `, ${evaluatedTitle(verdict.set)}` : ''}: ${verdict.sentence}`,
    ...verdict.notes.map((note) => `  ${note}`),
  ]);
}

const notesOf = (report: ComparisonReport) => [
  report.rule,
  ...report.warnings,
  ...report.missing.map((id) => `The run ${id} is not there any more.`),
];

const pipe = (value: string) => value.replaceAll('|', '\\|').replaceAll(/\r?\n|\r/g, ' ');

function markdown(
  name: string,
  report: ComparisonReport,
  found: Evaluations,
  tables: readonly Table[],
): string {
  const parts = [`# ${name}`, ''];
  parts.push(
    ...sentences(report, found.verdicts).map((line) =>
      line.startsWith('  ') ? `  - ${line.trim()}` : `- ${line}`,
    ),
    '',
  );
  const opened = openedTable(openedRows(report, found.examples));
  for (const { title, head, rows } of opened.rows.length > 0 ? [...tables, opened] : tables) {
    parts.push(
      `## ${title}`,
      '',
      `| ${head.map(pipe).join(' | ')} |`,
      `|${head.map(() => ' --- |').join('')}`,
    );
    parts.push(...rows.map((row) => `| ${row.map(pipe).join(' | ')} |`), '');
  }
  parts.push(...notesOf(report).map((note) => `> ${note}`), '');
  return parts.join('\n');
}

const quoted = (value: string) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** One table: a line for each setting and result, means, spreads and counts in columns of their own. */
function csv(report: ComparisonReport, found: Evaluations, tables: readonly Table[]): string {
  const { groups, results, rule } = report;
  const lines = [['part', 'row', 'unit', 'what', ...groups.map(({ title }) => title)]];
  for (const { title, rows } of tables)
    if (title.startsWith('Settings') || title === 'Environment')
      for (const [row = '', ...values] of rows) lines.push([title, row, '', 'value', ...values]);
  for (const row of results)
    for (const what of ['mean', 'sd', 'n', 'delta'] as const)
      lines.push([
        row.kind,
        row.title,
        row.unit,
        what,
        ...row.values.map((cell) => String(cell?.[what] ?? '')),
      ]);
  lines.push(...evaluationLines(report, found));
  lines.push(['rule', rule, '', '', ...groups.map(() => '')]);
  return `${lines.map((line) => line.map(quoted).join(',')).join('\n')}\n`;
}

const LATEX: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  _: '\\_',
  '%': '\\%',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
};
const tex = (value: string) => value.replace(/[\\{}$&#_%~^±]/g, (char) => LATEX[char] ?? char);

function latex(report: ComparisonReport, tables: readonly Table[]): string {
  return tables
    .filter(({ title }) => title !== 'Settings that are the same')
    .map(({ title, head, rows }) =>
      [
        '\\begin{table}',
        '\\centering',
        `\\caption{${tex(title)}. ${tex(report.rule)}}`,
        `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`,
        '\\hline',
        `${head.map(tex).join(' & ')} \\\\`,
        '\\hline',
        ...rows.map((row) => `${row.map(tex).join(' & ')} \\\\`),
        '\\hline',
        '\\end{tabular}',
        '\\end{table}',
        '',
      ].join('\n'),
    )
    .join('\n');
}

const escaped = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const STYLE =
  ':root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;margin:.5rem 0 2rem}th,td{border-bottom:1px solid #8885;padding:.3rem .8rem;text-align:left;vertical-align:top}td{font-variant-numeric:tabular-nums}svg{width:100%;font-size:12px;fill:currentColor}.line{fill:none;stroke-width:2}.grid{stroke:#8883}.legend span{margin-right:1.2rem;white-space:nowrap}.legend i{display:inline-block;width:1.2rem;height:.25rem;margin-right:.4rem;vertical-align:middle}.said{white-space:pre-wrap;overflow-wrap:anywhere}ins{background:#2f9e4433;text-decoration:none}del{background:#e0313133;text-decoration:none}';

function html(
  name: string,
  report: ComparisonReport,
  found: Evaluations,
  tables: readonly Table[],
  chart: ExportChart | null,
): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell, k) => (k === 0 ? `<th scope="${tag === 'th' ? 'col' : 'row'}">` : `<${tag}>`) + escaped(cell) + (k === 0 ? '</th>' : `</${tag}>`)).join('')}</tr>`;
  const body = tables.map(
    ({ title, head, rows }) =>
      `<h2>${escaped(title)}</h2><table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table>`,
  );
  const list = (items: readonly string[]) =>
    `<ul>${items.map((item) => `<li>${escaped(item.trim())}</li>`).join('')}</ul>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(name)}</title><style>${STYLE}</style></head><body><h1>${escaped(name)}</h1>${list(sentences(report, found.verdicts))}${chart ? chartSvg(chart, report.groups, escaped) : ''}${body.join('')}${openedHtml(openedRows(report, found.examples))}${list(notesOf(report))}</body></html>\n`;
}

/** Answers side by side, words that only one has marked. */
function openedHtml(rows: readonly OpenedRow[]): string {
  if (rows.length === 0) return '';
  const { title, head } = openedTable(rows);
  const body = rows.map((row) => {
    const [before, after] = markedWords(row, escaped);
    const cells = [escaped(row.set), escaped(row.asked), escaped(row.expected), before, after, row.outcome];
    return `<tr><th scope="row">${escaped(row.candidate)}</th>${cells.map((cell) => `<td class="said">${cell}</td>`).join('')}</tr>`;
  });
  return `<h2>${escaped(title)}</h2><table><thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}
