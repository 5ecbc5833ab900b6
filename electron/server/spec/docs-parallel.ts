/**
 * The tables of docs/parallel.md: what of a layout does not combine, from the rules that refuse it here and from those of the engine.
 * The latter need the addon; without it their table stays as it is, and a test of the addon holds it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { methodTitle, optimizerTitle } from '../../shared/spec/method-traits.ts';
import type { MethodType } from '../../shared/spec/methods.ts';
import { installRoot, type ParallelExclusion } from '../native/addon.ts';
import { parallelRules } from './parallel-rules.ts';

const mark = (name: string) => ({
  begin: `<!-- ${name}: made by npm run docs:spec, do not edit by hand -->`,
  end: `<!-- end of ${name} -->`,
});

function replaced(page: string, name: string, table: string): string {
  const { begin, end } = mark(name);
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/parallel.md has lost the marks of its table "${name}"`);
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}

const rules = () =>
  [
    '| refused | why |',
    '| --- | --- |',
    ...parallelRules.map(({ refused, reason }) => `| ${refused} | ${reason} |`),
  ].join('\n');

const titleOf = ({ field, value }: ParallelExclusion) =>
  field === 'method.type' ? methodTitle(value as MethodType) : optimizerTitle(value);
const axisOf = ({ axis, zeroStage }: ParallelExclusion) =>
  ({
    tensor: '`tp_size` above 1',
    pipeline: '`pp_size` above 1',
    zero: `\`zero_stage\` ${zeroStage} or more`,
  })[axis];

const exclusionTable = (rows: readonly ParallelExclusion[]) =>
  [
    '| method or optimizer | not with | because |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| ${titleOf(row)} | ${axisOf(row)} | ${row.reason} |`),
  ].join('\n');

/** The page with its tables current; the rest of it is written by hand. `exclusions` null: the engine's table stays. */
export function parallelMarkdown(exclusions: readonly ParallelExclusion[] | null): string {
  const page = replaced(readFileSync(join(installRoot(), 'docs/parallel.md'), 'utf8'), 'rules', rules());
  return exclusions === null ? page : replaced(page, 'exclusions', exclusionTable(exclusions));
}
