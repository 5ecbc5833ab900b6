/** A data file looked at as the product does: imported, its mapping guessed, every row rendered. */
import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importInto } from '../../../electron/server/datasets/folder.ts';
import { measureRows } from '../../../electron/server/datasets/lengths.ts';
import { rowChat } from '../../../electron/server/datasets/messages.ts';
import { readPage } from '../../../electron/server/datasets/rows.ts';
import { unusedSentences } from '../../../electron/server/datasets/unused.ts';
import { renderConversation } from '../../../electron/server/tokenize/segments.ts';
import { type ModelTokenizer, readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('looked');
export const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
export const chatModel = join(fixtures, 'cases/48-eos-not-special/model');
export const CHATML =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
/** Writes calls and names tools. */
export const TOOLS =
  "{% if tools %}<|im_start|>system\n{{ tools | map(attribute='function') | map(attribute='name') | join(',') }}<|im_end|>\n{% endif %}" +
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}{% for c in m.tool_calls %}<call>{{ c.function.name }}{{ ' ' + c.function.arguments if c.function.arguments }}</call>{% endfor %}<|im_end|>\n{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

/** The tokenizer of a model, or the same with another chat template. */
async function tokenizerOf(model: string, template: string | null): Promise<ModelTokenizer> {
  if (template === null) return readTokenizer(model);
  const folder = join(scratch, `model-${next}`);
  await cp(model, folder, { recursive: true });
  await writeText(join(folder, 'chat_template.jinja'), template);
  return readTokenizer(folder);
}

export interface Look {
  model?: string;
  template?: string | null;
}

let next = 0;

/** Imports a file, renders every row that can be, and says what of it is trained. */
export async function looked(file: string, { model = chatModel, template = CHATML }: Look = {}) {
  next += 1;
  const folder = join(scratch, String(next));
  const card = await importInto(folder, resolve(fixtures, file), { id: 'x', name: 'x' }, {});
  const { mapping } = card;
  if (mapping === null) throw new Error(`no mapping was guessed for ${file}`);
  const names = card.columns.map(({ name }) => name);
  const rowsPath = join(folder, 'rows.parquet');
  const page = await readPage(rowsPath, names, { offset: 0, limit: 500, search: '' });
  const tokenizer = await tokenizerOf(model, template);
  const format = { mapping, systemPrompt: '' };
  const { unusable } = await measureRows({ card, rowsPath }, format, tokenizer);
  const left = new Set(unusable.flatMap(({ examples }) => examples));
  const rows = page.rows.flatMap((row, k) => {
    if (left.has(k + 1)) return [];
    const { segments, warnings } = renderConversation(rowChat(row, k, mapping, ''), tokenizer);
    const trained = segments.filter((one) => one.trained).map(({ text }) => text);
    return [{ text: segments.map(({ text }) => text).join(''), trained, warnings }];
  });
  return { card, rows, unusable, unused: unusedSentences(card, mapping) };
}
