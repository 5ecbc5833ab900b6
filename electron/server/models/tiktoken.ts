/**
 * tiktoken's files: one token a line, its bytes in base64 and its rank. Ranks say in which order neighbours are joined; which two make a
 * token is what joining by lower ranks leaves of it.
 */
import { CollieError } from '../../shared/errors.ts';
import { spellBytes } from './byte-level.ts';

export interface Ranks {
  /** Byte-level spelling by rank; holes are ranks without a token. */
  tokens: (string | undefined)[];
  /** "left right" in order of rank. */
  merges: string[];
}

const MOST_TOKENS = 2_000_000;
const MOST_TOKEN_BYTES = 1024;
const LINE = /^([A-Za-z0-9+/]+={0,2}) (\d{1,9})$/;

/** `path` is for errors. Throws model.no_tokenizer. */
export function parseTiktoken(text: string, path: string): Ranks {
  const refused = (message: string) =>
    new CollieError('model.no_tokenizer', `${path}: ${message}`, 'Download the file again.', { path });
  const tokens: (string | undefined)[] = [];
  const ranks = new Map<string, number>();
  for (const [k, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const [, base64, digits] = LINE.exec(trimmed) ?? [];
    if (base64 === undefined) throw refused(`line ${k + 1} is no token in base64 with its rank.`);
    const rank = Number(digits);
    if (rank >= MOST_TOKENS)
      throw refused(`line ${k + 1} has rank ${rank}, more than ${MOST_TOKENS} tokens.`);
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length === 0 || bytes.length > MOST_TOKEN_BYTES)
      throw refused(`the token of line ${k + 1} has ${bytes.length} bytes.`);
    const token = spellBytes(bytes);
    if (ranks.has(token) || tokens[rank] !== undefined)
      throw refused(`the token or the rank of line ${k + 1} occurs twice.`);
    ranks.set(token, rank);
    tokens[rank] = token;
  }
  if (ranks.size === 0) throw refused('the file lists no tokens.');
  return { tokens, merges: mergesOf(tokens, ranks) };
}

/** A token that no two others make is found whole only, as tiktoken does too. */
function mergesOf(tokens: readonly (string | undefined)[], ranks: ReadonlyMap<string, number>): string[] {
  const merges: string[] = [];
  for (const [rank, token] of tokens.entries()) {
    if (token === undefined || token.length < 2) continue;
    const parts = joined(token, ranks, rank);
    if (parts.length === 2) merges.push(`${parts[0]} ${parts[1]}`);
  }
  return merges;
}

/** What is left of `token` after all joins of a rank below `below`. */
function joined(token: string, ranks: ReadonlyMap<string, number>, below: number): string[] {
  const parts = Array.from(token);
  for (;;) {
    let best = below;
    let at = -1;
    for (let k = 0; k + 1 < parts.length; ++k) {
      const rank = ranks.get(`${parts[k]}${parts[k + 1]}`);
      if (rank !== undefined && rank < best) {
        best = rank;
        at = k;
      }
    }
    if (at < 0) return parts;
    parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
  }
}
