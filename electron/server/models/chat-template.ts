/** The chat template of a model in the library: where it comes from, what it writes, and another in its place. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChatTemplateInfo, ModelCard } from '../../shared/api/entities.ts';
import { replaceText } from '../files/write.ts';
import { moduleBeside, runApart } from '../host/apart.ts';
import { templateOf } from '../tokenize/files.ts';
import { PLAIN_TEMPLATE } from '../tokenize/template.ts';
import { linkFolder } from './linked-folder.ts';
import type { TemplateExample } from './template-example.ts';

export const TEMPLATE_FILE = 'chat_template.jinja';

/** Throws model.no_tokenizer for a text that is no template, and what is wrong with the model's files. */
export async function describeTemplate(card: ModelCard): Promise<ChatTemplateInfo> {
  const found = await templateOf(card.path);
  const { example, problem } = await tryTemplate(card.path, found?.text ?? null);
  const place = found?.place ?? 'plain';
  return {
    text: found?.text ?? PLAIN_TEMPLATE,
    place,
    edited: card.made.includes(TEMPLATE_FILE),
    example,
    problem,
  };
}

/** Throws model.no_tokenizer where `text` cannot be read as a template, request.invalid where it does not end. */
export function tryTemplate(folder: string, text: string | null): Promise<TemplateExample> {
  const limits = { seconds: 20, memoryMb: 512, what: `The chat template of ${folder}` };
  return runApart(moduleBeside(import.meta.url, 'template-example'), 'exampleOf', [folder, text], limits);
}

/** Puts a template into a folder of the library, or back the link to the one that it stood in for. */
export async function placeTemplate(folder: string, source: string, text: string | null): Promise<void> {
  const place = join(folder, TEMPLATE_FILE);
  // Replaced, not written to: what is there may be a link to a file that is not ours.
  if (text !== null) return replaceText(place, text);
  await rm(place, { force: true });
  const original = await stat(join(source, TEMPLATE_FILE)).catch(() => null);
  if (original?.isFile()) await linkFolder(source, folder, {}, [TEMPLATE_FILE]);
}
