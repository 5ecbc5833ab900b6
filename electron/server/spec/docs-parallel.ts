/** The table of docs/parallel.md: what of a layout does not combine, from the rules that refuse it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installRoot } from '../native/addon.ts';
import { parallelRules } from './parallel-rules.ts';

const BEGIN =
  '<!-- made by npm run docs:spec from electron/server/spec/parallel-rules.ts; do not edit by hand -->';
const END = '<!-- end of what is made -->';

const table = () =>
  [
    '| refused | why |',
    '| --- | --- |',
    ...parallelRules.map(({ refused, reason }) => `| ${refused} | ${reason} |`),
  ].join('\n');

/** The page with its table current; the rest of it is written by hand. */
export function parallelMarkdown(): string {
  const page = readFileSync(join(installRoot(), 'docs/parallel.md'), 'utf8');
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error('docs/parallel.md has lost the marks of its table');
  return `${page.slice(0, before)}${BEGIN}\n\n${table()}\n\n${page.slice(after)}`;
}
