/** Tokens that files list beside the vocabulary: `added_tokens.json`, `added_tokens_decoder`, and the named special ones. */
import { type AddedToken, addedToken } from './tokenizer-json.ts';

export type Json = Record<string, unknown>;

export interface Listed {
  tokenizerConfig: Json;
  specialTokensMap: Json;
  addedTokens: Json;
}

/** In the order in which transformers gives ids to those that have none. */
const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** A token is a string, or an AddedToken object with `content`. */
export function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' && content !== '' ? content : null;
}

/** `bos_token` and the like, as text. */
export function namedTokens(
  { tokenizerConfig, specialTokensMap }: Listed,
  usual: Readonly<Record<string, string>>,
): Record<string, string> {
  const named: Record<string, string> = {};
  for (const name of NAMES) {
    // null in a file: this model has none, whatever the class says.
    const said = [tokenizerConfig[name], specialTokensMap[name]].find((value) => value !== undefined);
    const text = said === undefined ? (usual[name] ?? null) : tokenText(said);
    if (text !== null) named[name] = text;
  }
  return named;
}

function additional({ tokenizerConfig, specialTokensMap }: Listed): string[] {
  const lists = [tokenizerConfig.additional_special_tokens, specialTokensMap.additional_special_tokens];
  return lists.flatMap((list) => (Array.isArray(list) ? list : [])).flatMap((one) => tokenText(one) ?? []);
}

const isId = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < most;

/** Ids that files give to tokens, by id. Ids from `most` on are damage. */
function listed({ tokenizerConfig, addedTokens }: Listed, most: number): Map<number, AddedToken> {
  const found = new Map<number, AddedToken>();
  for (const [content, id] of Object.entries(addedTokens))
    if (isId(id, most)) found.set(id, addedToken(id, content, false));
  const decoder = tokenizerConfig.added_tokens_decoder;
  if (typeof decoder !== 'object' || decoder === null) return found;
  for (const [key, value] of Object.entries(decoder)) {
    const content = tokenText(value);
    const id = Number(key);
    if (content === null || !isId(id, most)) continue;
    const flags = value as Partial<AddedToken>;
    found.set(id, {
      ...addedToken(id, content, flags.special === true),
      lstrip: flags.lstrip === true,
      rstrip: flags.rstrip === true,
      single_word: flags.single_word === true,
    });
  }
  return found;
}

/** Far beyond what is published. */
const MOST_BEHIND = 100_000;

/**
 * Puts what the files list into `tokens` (by id; a listed token takes the place of one with another text) and gives the ids behind it to
 * `appended` and to named tokens that have none. Answers all added tokens, by id; `own` are those of the vocabulary itself.
 */
export function placeAdded(
  tokens: (string | undefined)[],
  own: readonly AddedToken[],
  files: Listed,
  named: Readonly<Record<string, string>>,
  appended: readonly string[],
): AddedToken[] {
  const added = new Map(own.map((token) => [token.id, token]));
  const ids = new Map<string | undefined, number>(tokens.map((text, id) => [text, id]));
  const place = (token: AddedToken) => {
    if ((ids.get(token.content) ?? token.id) !== token.id) return;
    if (ids.get(tokens[token.id]) === token.id) ids.delete(tokens[token.id]);
    tokens[token.id] = token.content;
    ids.set(token.content, token.id);
    added.set(token.id, token);
  };
  for (const token of listed(files, tokens.length + MOST_BEHIND).values()) place(token);
  const special = [...appended, ...Object.values(named), ...additional(files)];
  for (const content of special) {
    const id = ids.get(content) ?? tokens.length;
    place({ ...(added.get(id) ?? addedToken(id, content, true)), special: true });
  }
  return [...added.values()].sort((a, b) => a.id - b.id);
}
