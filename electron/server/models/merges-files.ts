/** `vocab.json` and `merges.txt`, as GPT-2's tokenizer was published and many after it. */
import { CollieError } from '../../shared/errors.ts';

export interface Merges {
  /** By id; holes are ids without a token. */
  tokens: (string | undefined)[];
  merges: string[];
}

const MOST_TOKENS = 2_000_000;

/** `folder` is for errors. Throws model.no_tokenizer. */
export function parseMerges(vocab: string, merges: string, folder: string): Merges {
  const tokens = tokensOf(vocab, folder);
  const known = new Set(tokens);
  const lines = merges.split('\n').map((line) => line.replace(/\r$/, ''));
  const pairs: string[] = [];
  for (const [k, line] of lines.entries()) {
    if (line === '' || (k === 0 && line.startsWith('#version'))) continue;
    const parts = line.split(' ');
    const fits = parts.length === 2 && parts[0] !== '' && parts[1] !== '';
    if (!fits) throw refused(folder, `line ${k + 1} of merges.txt is no pair of tokens.`);
    if (![...parts, parts.join('')].every((part) => known.has(part)))
      throw refused(
        folder,
        `line ${k + 1} of merges.txt joins ${line}, which vocab.json does not know: the two files are of different models.`,
      );
    pairs.push(line);
  }
  if (pairs.length === 0) throw refused(folder, 'merges.txt lists no pairs.');
  return { tokens, merges: pairs };
}

function tokensOf(text: string, folder: string): (string | undefined)[] {
  let vocab: unknown;
  try {
    vocab = JSON.parse(text);
  } catch {
    throw refused(folder, 'vocab.json is not JSON.');
  }
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab))
    throw refused(folder, 'vocab.json holds no object of tokens and ids.');
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isInteger(id) || id < 0 || id >= MOST_TOKENS)
      throw refused(folder, `vocab.json gives ${JSON.stringify(token)} the id ${JSON.stringify(id)}.`);
    if (tokens[id] !== undefined) throw refused(folder, `vocab.json gives the id ${id} to two tokens.`);
    tokens[id] = token;
  }
  return tokens;
}

const refused = (folder: string, message: string) =>
  new CollieError('model.no_tokenizer', `${folder}: ${message}`, 'Download the tokenizer files again.', {
    path: folder,
  });
