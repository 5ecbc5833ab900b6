/** A model's tokenizer: Hugging Face's Rust build behind ids, texts and the model's chat template. */
import { createHash } from 'node:crypto';
import { Tokenizer } from 'tokenizers';
import { CollieError } from '../../shared/errors.ts';
import type { ChatTokenizer, Made, SpecialToken } from './chat-tokenizer.ts';
import { conversationsOf, promptIds } from './conversation.ts';
import { readTokenizerFiles, type TokenizerFiles } from './files.ts';
import { type Chat, ChatTemplate, PLAIN_TEMPLATE } from './template.ts';

/** Texts per call into the native tokenizer: large enough to use all cores, small enough to keep the loop alive. */
const BATCH = 256;

export class ModelTokenizer implements ChatTokenizer {
  readonly hash: string;
  readonly vocabularyHash: string;
  readonly templateHash: string;
  readonly vocabSize: number;
  readonly template: ChatTemplate;
  readonly bos: SpecialToken | null;
  readonly eos: SpecialToken | null;
  readonly pad: SpecialToken | null;
  readonly endOfTurn: SpecialToken | null;
  /** true: `endOfTurn` is in the template's text; false: it has to be added after an answer. */
  readonly templateEndsTurns: boolean;
  readonly baseVocabSize: number;
  readonly addedTokens: readonly SpecialToken[];
  readonly eosIds: readonly number[];
  readonly firstWithoutRow: number | null;
  readonly stopIds: number[];
  /** Texts that become special tokens wherever they stand. */
  readonly specialTexts: readonly string[];
  /** Matches a text that holds one of them; null: there is none. */
  readonly specialPattern: RegExp | null;
  readonly #native: Tokenizer;
  readonly #prefixesSpace: boolean;

  /** Use `readTokenizer`. */
  constructor(native: Tokenizer, files: TokenizerFiles, folder: string) {
    const json = JSON.parse(files.tokenizerJson) as TokenizerJson;
    this.#native = native;
    this.#prefixesSpace = prefixesSpace(json);
    this.hash = files.hash;
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    this.vocabularyHash = sha256(files.tokenizerJson);
    this.templateHash = sha256(files.chatTemplate ?? PLAIN_TEMPLATE);
    this.vocabSize = native.getVocabSize(true);
    this.addedTokens = (json.added_tokens ?? []).map(({ id, content }) => ({ id, text: content }));
    this.baseVocabSize = baseVocabSize(json, new Set(this.addedTokens.map(({ id }) => id)));
    this.eosIds = files.eosIds;
    const rows = files.embeddingRows ?? Number.POSITIVE_INFINITY;
    this.firstWithoutRow = this.addedTokens.some(({ id }) => id >= rows) ? rows : null;
    this.specialTexts = (json.added_tokens ?? [])
      .filter(({ special }) => special)
      .map(({ content }) => content);
    const escaped = this.specialTexts
      .filter((text) => text !== '')
      .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    this.specialPattern = escaped.length === 0 ? null : new RegExp(escaped.join('|'));
    this.bos = this.#special(files.special.bos_token);
    this.eos = this.#special(files.special.eos_token) ?? this.#byId(files.eosIds[0]);
    this.pad = this.#special(files.special.pad_token);
    const special = { ...files.special, ...(this.eos ? { eos_token: this.eos.text } : {}) };
    this.template = new ChatTemplate(files.chatTemplate, special, folder);
    const written = endOfTurnText(this.template, [...endTexts(json), this.eos?.text ?? '']);
    this.templateEndsTurns = written !== null;
    this.endOfTurn = this.#special(written ?? undefined) ?? this.eos;
    const stops = [this.endOfTurn?.id, this.eos?.id, ...files.eosIds];
    this.stopIds = [...new Set(stops.filter((id) => id !== undefined))];
  }

  #special(text: string | undefined): SpecialToken | null {
    if (text === undefined) return null;
    const id = this.#native.tokenToId(text);
    return id === null ? null : { id, text };
  }

  #byId(id: number | undefined): SpecialToken | null {
    const text = id === undefined ? null : this.#native.idToToken(id);
    return text === null ? null : { id: id as number, text };
  }

  conversations(chats: readonly Chat[]): Promise<Made[]> {
    return conversationsOf(chats, this);
  }

  prompt(chat: Chat): Promise<Uint32Array> {
    return promptIds(chat, this);
  }

  /** Ids of each text. Special tokens written in the text become themselves; none is added. */
  async encodeBatch(texts: readonly string[]): Promise<number[][]> {
    const ids: number[][] = [];
    for (let start = 0; start < texts.length; start += BATCH) {
      const encodings = await this.#native.encodeBatch(texts.slice(start, start + BATCH), {
        addSpecialTokens: false,
      });
      for (const encoding of encodings) ids.push(encoding.getIds());
    }
    return ids;
  }

  async encode(text: string, special: 'none' | 'add' = 'none'): Promise<number[]> {
    return (await this.#native.encode(text, null, { addSpecialTokens: special === 'add' })).getIds();
  }

  async decode(ids: ArrayLike<number>, special: 'keep' | 'skip' = 'skip'): Promise<string> {
    return this.#native.decode(Array.from(ids), special === 'skip');
  }

  /**
   * Each is decoded behind a special token, because decoders of SentencePiece kind drop the space a text begins with.
   */
  async tokenTexts(ids: ArrayLike<number>): Promise<string[]> {
    const anchor = this.eos ?? this.bos;
    if (anchor === null) {
      return this.#native.decodeBatch(
        Array.from(ids, (id) => [id]),
        false,
      );
    }
    const distinct = [...new Set(Array.from(ids))];
    const decoded = await this.#native.decodeBatch(
      distinct.map((id) => [anchor.id, id]),
      false,
    );
    const texts = new Map(distinct.map((id, k) => [id, decoded[k] as string]));
    return Array.from(ids, (id) => {
      const text = texts.get(id) as string;
      return text.startsWith(anchor.text) ? text.slice(anchor.text.length) : text;
    });
  }

  /**
   * Ids of texts that follow one another, cut exactly between them: no token spans two. The first is encoded as the
   * beginning of a text. Used at the seam of prompt and answer, so that the ids of a prompt are the same with and
   * without an answer after it.
   *
   * Tokenizers that put a space before every text (SentencePiece kind) cannot encode a later segment on its own. First
   * choice: what the text since the last special token has after the ids of its beginning (tokens never span a special
   * one, so what precedes it does not matter). Where a token spans the seam: the segment behind a line break, which such
   * tokenizers keep as a token of its own.
   */
  async encodeSegments(texts: readonly string[]): Promise<number[][]> {
    if (!this.#prefixesSpace) return this.encodeBatch(texts);
    const heads: string[] = [];
    let head = '';
    for (const text of texts) {
      heads.push(head);
      head = this.#sinceSpecial(head + text);
    }
    const [before, whole] = await Promise.all([
      this.encodeBatch(heads),
      this.encodeBatch(texts.map((text, k) => heads[k] + text)),
    ]);
    const segments: number[][] = [];
    for (const [k, text] of texts.entries()) {
      const ids = whole[k] as number[];
      const known = before[k] as number[];
      if (heads[k] === '') segments.push(ids);
      else segments.push(startsWith(ids, known) ? ids.slice(known.length) : await this.#behindBreak(text));
    }
    return segments;
  }

  /** The end of a text, from its last special token on. */
  #sinceSpecial(text: string): string {
    let from = 0;
    for (const special of this.specialTexts)
      if (special !== '') from = Math.max(from, text.lastIndexOf(special));
    return text.slice(from);
  }

  /** true: segments can be encoded each on its own, in one batch. */
  get segmentsAreIndependent(): boolean {
    return !this.#prefixesSpace;
  }

  async #behindBreak(text: string): Promise<number[]> {
    const [breakIds, behind] = await this.encodeBatch(['\n', `\n${text}`]);
    if (breakIds && behind && startsWith(behind, breakIds)) return behind.slice(breakIds.length);
    return this.encode(text);
  }
}

const startsWith = (ids: number[], head: number[]) => head.every((id, k) => ids[k] === id);

interface TokenizerJson {
  added_tokens?: { id: number; content: string; special: boolean }[];
  /** Unigram has a list of [text, score], the others an object of text and id. */
  model?: { vocab?: unknown };
  normalizer?: unknown;
  pre_tokenizer?: unknown;
}

function baseVocabSize({ model }: TokenizerJson, added: ReadonlySet<number>): number {
  const vocab = model?.vocab ?? {};
  const ids = Array.isArray(vocab) ? vocab.keys() : Object.values(vocab as Record<string, unknown>).values();
  let size = 0;
  // Saved tokenizers may repeat added tokens here.
  for (const id of ids) if (typeof id === 'number' && id >= size && !added.has(id)) size = id + 1;
  return size;
}

/** Whether the tokenizer puts something before every text: a Prepend normalizer, Metaspace, or add_prefix_space. */
function prefixesSpace(json: TokenizerJson): boolean {
  const look = (node: unknown): boolean => {
    if (Array.isArray(node)) return node.some(look);
    if (typeof node !== 'object' || node === null) return false;
    const { type, add_prefix_space, prepend_scheme } = node as Record<string, unknown>;
    if (type === 'Prepend' || add_prefix_space === true) return true;
    if (type === 'Metaspace' && prepend_scheme !== 'never') return true;
    return Object.values(node).some(look);
  };
  return look(json.normalizer) || look(json.pre_tokenizer);
}

/**
 * Texts that may end an answer: added tokens, whether they are marked special or not (some ChatML models forget to), but none that
 * is white space or a word.
 */
const endTexts = (json: TokenizerJson): string[] =>
  (json.added_tokens ?? [])
    .filter(({ content, special }) => special || /[^\p{L}\p{N}\s]/u.test(content))
    .map(({ content }) => content);

/** Finds what a template writes after an answer by rendering one: the first special token behind it. */
function endOfTurnText(template: ChatTemplate, specialTexts: readonly string[]): string | null {
  const probe = 'collie-probe-answer';
  let rendered: string;
  try {
    rendered = template.render(
      {
        messages: [
          { role: 'user', content: 'probe' },
          { role: 'assistant', content: probe },
        ],
      },
      false,
    );
  } catch (error) {
    if (error instanceof CollieError && error.code === 'model.unsupported_feature') throw error; // it does not end
    return null; // a template that refuses even this says so, with its reason, on the first row
  }
  const at = rendered.lastIndexOf(probe);
  if (at < 0) return null;
  const rest = rendered.slice(at + probe.length);
  let first: { at: number; text: string } | null = null;
  for (const text of specialTexts) {
    const found = rest.indexOf(text);
    if (found < 0 || text === '') continue;
    const better =
      first === null || found < first.at || (found === first.at && text.length > first.text.length);
    if (better) first = { at: found, text };
  }
  return first?.text ?? null;
}

/**
 * The tokenizer of a model folder in Hugging Face layout, on this thread: others go through apart-tokenizer.ts.
 * Throws model.no_tokenizer when there is none or it is damaged.
 */
export async function readTokenizer(folder: string): Promise<ModelTokenizer> {
  const files = await readTokenizerFiles(folder);
  let native: Tokenizer;
  try {
    native = Tokenizer.fromString(files.tokenizerJson);
  } catch (error) {
    throw new CollieError(
      'model.no_tokenizer',
      `${folder}/tokenizer.json cannot be read: ${(error as Error).message}`,
      'The file is damaged or newer than this version of Collie. Import the model again.',
      { path: folder },
    );
  }
  // Some models ship with a length limit or padding inside tokenizer.json; both are decided by the run here.
  native.disableTruncation();
  native.disablePadding();
  return new ModelTokenizer(native, files, folder);
}
