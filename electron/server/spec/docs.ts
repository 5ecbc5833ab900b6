/**
 * docs/spec.md, docs/spec.schema.json, docs/methods.md and docs/optimizers.md, made from the schema (electron/shared), and the table of
 * docs/parallel.md, by `npm run docs:spec`; and the rule book for the engine. A test fails when they are not current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { rulesForEngine } from '../../shared/spec/rules.ts';
import { runSpecObject } from '../../shared/spec/run-spec.ts';
import { type SpecField, specFields, specGroups } from '../../shared/spec/spec-fields.ts';
import { installRoot } from '../native/addon.ts';
import { methodsMarkdown, optimizersMarkdown } from './docs-choices.ts';
import { parallelMarkdown } from './docs-parallel.ts';
import { expected } from './schema-issues.ts';

/** The types of callbacks, as their authors get them. */
export const callbackTypes = (): string =>
  readFileSync(join(installRoot(), 'electron/shared/runs/callback-types.ts'), 'utf8');

const FORM_ONLY = [
  'help',
  'unit',
  'advanced',
  'step',
  'scale',
  'paper',
  'control',
  'suggestions',
  'family',
  'short',
  'traits',
  'rateFactor',
  'beside',
  'excludes',
  'rules',
  'updates',
];

/** What a user may write, as JSON Schema (draft 2020-12): for editors and other programs. */
export function specJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(runSpecObject, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      const node = jsonSchema as Record<string, unknown>;
      if (typeof node.help === 'string' && node.help !== '') node.description = node.help;
      // What only the form needs.
      for (const key of FORM_ONLY) delete node[key];
    },
  });
  return { ...schema, title: 'Collie run spec' };
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const EXAMPLE = `{
  "model": "library:smollm2-135m-instruct",
  "dataset": {
    "train": "data/train.jsonl",
    "mapping": { "kind": "prompt_answer", "prompt": "question", "answer": "answer" }
  },
  "method": { "type": "lora", "rank": 16 },
  "optimizer": { "type": "adamw", "learning_rate": 0.0003 },
  "duration": { "unit": "epochs", "value": 2 }
}`;

function row(field: SpecField): string {
  const byDefault = field.required ? '**required**' : `\`${JSON.stringify(field.default)}\``;
  const help =
    field.meta.help + (field.meta.paper ? ` ([${field.meta.paper.title}](${field.meta.paper.url}))` : '');
  return `| \`${field.path}\` | ${cell(`${field.meta.title}. ${help}`)} | ${cell(expected(field))} | ${cell(byDefault)} |`;
}

const HEAD = '| setting | what it is | values | default |\n| --- | --- | --- | --- |';

function table(fields: readonly SpecField[]): string {
  return [HEAD, ...fields.map(row)].join('\n');
}

/** A union: its discriminator, then one part per variant. */
function variantSection(choice: SpecField, fields: readonly SpecField[]): string {
  const parts = (choice.options ?? []).map(({ value, title, help, paper }) => {
    const own = fields.filter((field) => field.when?.path === choice.path && field.when.equals === value);
    const source = paper ? ` [${paper.title}](${paper.url})` : '';
    const settings = own.length > 0 ? table(own) : 'No further settings.';
    return `### \`${choice.path}\` = \`${value}\`: ${title}\n\n${help}${source}\n\n${settings}`;
  });
  return [table([choice]), ...parts].join('\n\n');
}

/** What an entry of a list has. */
const entries = (field: SpecField): string =>
  `### An entry of \`${field.path}\`\n\n${entryTables(field.fields ?? [])}`;

function entryTables(fields: readonly SpecField[]): string {
  const always = fields.filter(({ when }) => !when);
  const variants = fields.filter(({ kind }) => kind === 'variant');
  return [table(always), ...variants.map((choice) => entryVariants(choice, fields))].join('\n\n');
}

function entryVariants(choice: SpecField, fields: readonly SpecField[]): string {
  const parts = (choice.options ?? []).map(({ value, title, help }) => {
    const own = fields.filter(({ when }) => when?.path === choice.path && when.equals === value);
    const settings = own.length > 0 ? `\n\n${table(own)}` : '';
    return `\`${choice.path}\` = \`${value}\`: **${title}**. ${help}${settings}`;
  });
  return parts.join('\n\n');
}

function section(path: string, title: string): string {
  const fields = specFields().filter((field) => field.group === path);
  const choice = fields.find((field) => field.kind === 'variant');
  const lists = fields.filter(({ kind }) => kind === 'object_list').map(entries);
  const body = [choice ? variantSection(choice, fields) : table(fields), ...lists].join('\n\n');
  return `## ${title}${path === '' ? '' : ` (\`${path}\`)`}\n\n${body}`;
}

/** The whole page. */
export function specMarkdown(): string {
  const groups = specGroups().map(({ path, meta }) => section(path, meta.title));
  const intro = `# The run spec

A run is defined by one JSON object. You write what differs from the defaults; \`spec.json\` in the run folder holds every setting,
with absolute paths. Unknown settings are errors, never ignored. This page is made from \`electron/shared/spec/run-spec.ts\` by
\`npm run docs:spec\`: do not edit it by hand.

\`\`\`json
${EXAMPLE}
\`\`\`

Editors complete and check specs with [spec.schema.json](spec.schema.json). How prompts and answers become tokens is described in
[tokenization.md](tokenization.md); what to choose for \`method\` and \`optimizer\` in [methods.md](methods.md) and
[optimizers.md](optimizers.md).`;
  return `${[intro, section('', 'General'), ...groups].join('\n\n')}\n`;
}

/** The generated files by their path in the repository. */
export const generatedDocs = (): Record<string, string> => ({
  'docs/spec.md': specMarkdown(),
  'docs/methods.md': methodsMarkdown(),
  'docs/optimizers.md': optimizersMarkdown(),
  'docs/parallel.md': parallelMarkdown(),
  'native/core/recipe/rules.inc': rulesForEngine(),
  'assets/callbacks/collie-callbacks.d.ts': callbackTypes(),
  'docs/spec.schema.json': `${JSON.stringify(specJsonSchema(), null, 2)}\n`,
});

/** JSON is compared by what it says: the formatter of the project has its own line breaks. */
const content = (path: string, text: string) =>
  path.endsWith('.json') ? JSON.stringify(JSON.parse(text)) : text;

/** Generated files that are not current. */
export function staleDocs(): string[] {
  return Object.entries(generatedDocs())
    .filter(
      ([path, text]) =>
        content(path, readFileSync(join(installRoot(), path), 'utf8')) !== content(path, text),
    )
    .map(([path]) => path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(generatedDocs())) writeFileSync(join(installRoot(), path), text);
}
