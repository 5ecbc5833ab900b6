/** The tokenizer files of a Hugging Face model folder, read into one plain description. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { builtInTemplate } from './built-in-templates.ts';
import { type FoundTemplate, findChatTemplate, TEMPLATE_FILES } from './chat-template-file.ts';

/** Everything that decides how text becomes tokens. Only tokenizer.json is required. */
export const TOKENIZER_FILES: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'generation_config.json',
  'config.json',
  ...TEMPLATE_FILES.filter((name) => name !== 'tokenizer_config.json'),
];

export interface TokenizerFiles {
  tokenizerJson: string;
  /** Named special tokens (`bos_token`, `eos_token`, ...) as text. */
  special: Record<string, string>;
  chatTemplate: string | null;
  /** Ids that end an answer, from generation_config.json and config.json. */
  eosIds: number[];
  /** Rows of the embedding, from config.json; null: it does not say. */
  embeddingRows: number | null;
  /** SHA-256 over the files that decide the token ids. */
  hash: string;
}

type Json = Record<string, unknown>;

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function readJson(folder: string, name: string): Promise<Json> {
  const text = await readText(join(folder, name));
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
    throw new Error('it holds no JSON object');
  } catch (error) {
    throw new CollieError(
      'model.no_tokenizer',
      `${join(folder, name)} cannot be read: ${(error as Error).message}`,
      'Import the model again: the file is damaged.',
      { path: join(folder, name) },
    );
  }
}

/** A special token is a string, or an AddedToken object with `content`. */
function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null)?.content;
  return typeof content === 'string' ? content : null;
}

function specialTokens(...sources: Json[]): Record<string, string> {
  const special: Record<string, string> = {};
  for (const source of sources) {
    for (const [key, value] of Object.entries(source)) {
      if (!key.endsWith('_token')) continue;
      const text = tokenText(value);
      if (text !== null) special[key] ??= text;
    }
  }
  return special;
}

const idList = (value: unknown): number[] =>
  (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id));

/** Changes whenever one of the files does: the key of the cache. */
export async function tokenizerStamp(folder: string): Promise<string> {
  const parts = await Promise.all(
    TOKENIZER_FILES.map(async (name) => {
      try {
        const { mtimeMs, size } = await stat(join(folder, name));
        return `${mtimeMs}:${size}`;
      } catch {
        return '-';
      }
    }),
  );
  return parts.join('|');
}

/** The chat template of a folder, from its files or built in; null: a base model. */
export async function templateOf(folder: string): Promise<FoundTemplate | null> {
  return (
    (await findChatTemplate(folder)) ??
    builtInTemplate(folder, (await readJson(folder, 'config.json')).model_type)
  );
}

/**
 * Reads the tokenizer files of a model folder.
 * Throws model.no_tokenizer when tokenizer.json is missing or one of the files is damaged.
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const tokenizerJson = await readText(join(folder, 'tokenizer.json'));
  if (tokenizerJson === null) {
    throw new CollieError(
      'model.no_tokenizer',
      `The model folder ${folder} has no tokenizer.json.`,
      'Import the model: what its folder has instead (tokenizer.model, vocab.json with merges.txt, *.tiktoken) becomes a tokenizer.json in the library.',
      { path: folder },
    );
  }
  const [config, map, generation, model, found] = await Promise.all([
    readJson(folder, 'tokenizer_config.json'),
    readJson(folder, 'special_tokens_map.json'),
    readJson(folder, 'generation_config.json'),
    readJson(folder, 'config.json'),
    findChatTemplate(folder),
  ]);
  const chatTemplate = (found ?? builtInTemplate(folder, model.model_type))?.text ?? null;
  const special = specialTokens(config, map);
  return {
    tokenizerJson,
    special,
    chatTemplate,
    eosIds: [...new Set([...idList(generation.eos_token_id), ...idList(model.eos_token_id)])],
    embeddingRows: Number.isInteger(model.vocab_size) ? (model.vocab_size as number) : null,
    hash: createHash('sha256')
      .update(tokenizerJson)
      .update(JSON.stringify([chatTemplate, special]))
      .digest('hex'),
  };
}
