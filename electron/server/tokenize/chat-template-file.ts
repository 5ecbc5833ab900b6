/** Where a model folder can have its chat template, and which one counts: as transformers does it, and files of processors beside. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';

export interface FoundTemplate {
  text: string;
  /** The file, or the key of a file: "chat_template.jinja". */
  place: string;
}

/** Files whose text is the template, then files with a key `chat_template`. */
const FILES = ['chat_template.jinja'] as const;
const KEYED = ['chat_template.json', 'tokenizer_config.json', 'processor_config.json'] as const;
export const TEMPLATE_FILES = [...FILES, ...KEYED];
const NAMED_FOLDER = 'additional_chat_templates';
/** The one for chatting, where there are several. */
const DEFAULT = 'default';

/** null: the folder brings none. Throws model.no_tokenizer for a file that is no JSON. */
export async function findChatTemplate(folder: string): Promise<FoundTemplate | null> {
  for (const name of FILES) {
    const text = await textOf(join(folder, name));
    if (text !== null && text !== '') return { text, place: name };
  }
  for (const name of KEYED) {
    const text = templateText(await keyOf(join(folder, name)));
    if (text !== null) return { text, place: name };
  }
  return namedTemplate(folder);
}

/** A string, a list of {name, template}, or an object of templates by name. */
function templateText(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value !== 'object' || value === null) return null;
  const named = Array.isArray(value)
    ? (value as { name?: unknown; template?: unknown }[])
    : Object.entries(value).map(([name, template]) => ({ name, template: template as unknown }));
  const chosen = named.find((one) => one?.name === DEFAULT) ?? named[0];
  return typeof chosen?.template === 'string' && chosen.template !== '' ? chosen.template : null;
}

async function namedTemplate(folder: string): Promise<FoundTemplate | null> {
  const names = (await readdir(join(folder, NAMED_FOLDER)).catch(() => []))
    .filter((name) => name.endsWith('.jinja'))
    .sort();
  const chosen = names.find((name) => name === `${DEFAULT}.jinja`) ?? names[0];
  if (chosen === undefined) return null;
  const text = await textOf(join(folder, NAMED_FOLDER, chosen));
  return text === null || text === '' ? null : { text, place: `${NAMED_FOLDER}/${chosen}` };
}

async function keyOf(path: string): Promise<unknown> {
  const text = await textOf(path);
  if (text === null) return undefined;
  try {
    return (JSON.parse(text) as { chat_template?: unknown } | null)?.chat_template;
  } catch {
    throw new CollieError(
      'model.no_tokenizer',
      `${path} cannot be read: it is not JSON.`,
      'Download or copy this file again.',
      { path },
    );
  }
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
