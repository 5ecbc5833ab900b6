/** The tables of docs/parallel.md: what does not go together, from the rule book. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exclusions, generalRules } from '../../shared/spec/rules.ts';
import { installRoot } from '../native/addon.ts';
import { hostRules } from './host-rules.ts';

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
    ...[...generalRules.filter(({ path }) => path.startsWith('parallel.')), ...hostRules].map(
      ({ refused, reason }) => `| ${refused} | ${reason} |`,
    ),
  ].join('\n');

const exclusionTable = () =>
  [
    '| method or optimizer | not with | because |',
    '| --- | --- | --- |',
    ...exclusions.map(({ title, said, because }) => `| ${title} | ${said} | ${because} |`),
  ].join('\n');

/** The page with its tables current; the rest of it is written by hand. */
export const parallelMarkdown = (): string =>
  replaced(
    replaced(readFileSync(join(installRoot(), 'docs/parallel.md'), 'utf8'), 'rules', rules()),
    'exclusions',
    exclusionTable(),
  );
