/** A comparison as a file: each format whole, and safe where names hold what the format means something by. */
import { describe, expect, it } from 'vitest';
import { curvesOf } from '../../../electron/server/compare/curves.ts';
import { cellText, exportComparison } from '../../../electron/server/compare/export.ts';
import { makeReport } from '../../../electron/server/compare/report.ts';
import type { Verdict } from '../../../electron/shared/runs/comparison.ts';
import { factsOf, seriesOf, sixRuns, viewOf } from './support.ts';

const NASTY = 'A|B <b>"&" 50% $x_1$, {c}';
const runs = [...sixRuns(), factsOf('nasty', { name: NASTY, rate: 9e-4, minute: 9 })];
const series = new Map(runs.map(({ id }, k) => [id, seriesOf([2, 1 + k / 10])]));
const line = (id: string) => ({ id, x: Float64Array.of(1, 2), y: Float64Array.of(2, 1) });
const curves = curvesOf(
  [
    { key: 'r1', lines: ['r1', 'r2', 'r3'].map(line) },
    { key: 'r4', lines: ['r4', 'r5', 'r6'].map(line) },
    { key: 'nasty', lines: [line('nasty')] },
  ],
  100,
  null,
);
const view = viewOf({ runs: runs.map(({ id }) => id), rule: { kind: 'best' } });
const report = makeReport({ view, runs, missing: ['gone'], series });
const verdict: Verdict = {
  candidate: 'r4',
  set: 'eval',
  outcome: 'better',
  sentence: 'Better: its loss is 0.1 nats lower.',
  notes: ['Seed noise unknown.'],
  rows: 60,
  conversations: 60,
  tests: [],
  seedNoise: 'unknown',
};
const write = (format: 'html' | 'markdown' | 'csv' | 'latex', name = 'Rates & ranks') =>
  exportComparison(name, report, { verdicts: [verdict], examples: [] }, format, { title: 'Loss', curves });

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const cells = [...text.matchAll(/("(?:[^"]|"")*"|[^",\n]*)(,|\n)/g)];
  const rows: string[][] = [[]];
  for (const [, cell = '', end] of cells) {
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('every format', () => {
  it('is named after the comparison', () => {
    expect((['html', 'markdown', 'csv', 'latex'] as const).map((format) => write(format).name)).toEqual([
      'rates-ranks.html',
      'rates-ranks.md',
      'rates-ranks.csv',
      'rates-ranks.tex',
    ]);
    expect(write('csv', '///').name).toBe('comparison.csv');
  });

  it('prints the rule of its results', () => {
    for (const format of ['html', 'markdown', 'csv', 'latex'] as const)
      expect(write(format).text, format).toContain('the best value of each run');
  });
});

it('HTML needs nothing else, and a name is text in it', () => {
  const { text } = write('html');
  expect(text).toContain('<h1>Rates &amp; ranks</h1>');
  expect(text).toContain('A|B &lt;b&gt;&quot;&amp;&quot;');
  expect(text).not.toMatch(/<script|<link|src=|@import|url\(/);
  expect(text).not.toContain('<b>');
  expect(text).toContain('Better: its loss is 0.1 nats lower.');
  expect(text).toContain('The run gone is not there any more.');
  // The curves are in it.
  expect(text.match(/<svg/g)?.length).toBe(1);
  expect(text.match(/<path class="line"/g)?.length).toBe(report.groups.length);
});

it('Markdown has rows of as many cells as its heads, whatever the names hold', () => {
  const tables = write('markdown')
    .text.split('\n')
    .filter((line) => line.startsWith('|'));
  const cells = tables.map((line) => line.replaceAll('\\|', '').split('|').length);
  expect(new Set(cells).size).toBe(1);
});

it('CSV gives back numbers with all their digits', () => {
  const rows = parseCsv(write('csv').text);
  expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  expect(rows[0]?.at(-1)).toBe(NASTY);
  const loss = rows.find((row) => row[1] === 'Loss (evaluation)' && row[3] === 'mean');
  expect(Number(loss?.[4])).toBeCloseTo(1.1, 15);
  expect(rows.find((row) => row[1] === 'Loss (evaluation)' && row[3] === 'n')?.slice(4)).toEqual([
    '3',
    '3',
    '1',
  ]);
});

it('LaTeX escapes what it would read', () => {
  const { text } = write('latex');
  expect(text).toContain('50\\% \\$x\\_1\\$');
  expect(text.match(/\\begin\{tabular\}\{lrrr\}/g)?.length).toBeGreaterThan(0);
  const body = text.split('\n').filter((line) => line.endsWith('\\\\'));
  expect(body.every((line) => line.split(/(?<!\\)&/).length === 4)).toBe(true);
  expect(text).not.toContain('that are the same');
});

it('a cell says value, spread, number and direction', () => {
  expect(cellText({ mean: 1.23456789, sd: 0.1, n: 3, delta: -0.5, better: true })).toBe(
    '1.23457 ± 0.1 (3), -0.5 better',
  );
  expect(cellText({ mean: 1, sd: null, n: 1, delta: 0, better: null })).toBe('1, 0');
  expect(cellText({ mean: 2, sd: null, n: 1, delta: 1, better: false })).toBe('2, +1 worse');
  expect(cellText(null)).toBe('');
});

it('an empty comparison is written, too', () => {
  const empty = makeReport({ view: viewOf({ runs: [] }), runs: [], missing: [], series: new Map() });
  for (const format of ['html', 'markdown', 'csv', 'latex'] as const)
    expect(() => exportComparison('x', empty, { verdicts: [], examples: [] }, format), format).not.toThrow();
});
