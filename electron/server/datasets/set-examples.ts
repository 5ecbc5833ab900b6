/** A row of an evaluation set as what the engine computes: documents whose losses are wanted, or a prompt to answer. */
import { CollieError } from '../../shared/errors.ts';
import type { EvalRow } from '../../shared/runs/evaluation-rows.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import type { TaskExample } from '../evaluation/tasks.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import type { Chat, Message } from '../tokenize/template.ts';
import { answerBytes, lostAnswer, rowHashes, shownMessages, tokensHash } from './row-record.ts';
import type { Row } from './rows.ts';

/** Token ids and which of them count. */
export interface SetDocument {
  ids: Uint32Array;
  mask: Uint8Array;
}

export interface SetExample {
  about: Omit<EvalRow, 'source_row' | 'first_document'>;
  documents: SetDocument[];
  prompt: Uint32Array | null;
  /** Tokens that were cut off. */
  cut: number;
}

/** A row that was chosen: what it says, and what it was made of. */
export type ChosenRow = { index: number; row: Row } & (
  | { chat: Chat /** Without the system prompt of the spec. */; said: readonly Message[] }
  | { task: TaskExample }
);

type OfChat = Extract<ChosenRow, { chat: Chat }>;

/** Why a row cannot be evaluated, in words behind "rows". */
export type LeftOut = { leftOut: string };

const hex = (bytes: Buffer) => bytes.toString('hex');

/** The messages before the last answer, and that answer. */
export function split({ messages }: Chat): { asked: Message[]; answer: Message } {
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const answer = messages[last];
  if (!answer) throw new Error('a chat with an answer');
  return { asked: messages.slice(0, last), answer };
}

function about(messages: readonly Message[], first: SetDocument): Omit<SetExample['about'], 'tokens'> {
  const { id, conversation } = rowHashes(messages);
  return {
    id: hex(id),
    conversation: hex(conversation),
    tokens_id: tokensHash(first),
    answer_bytes: null,
    messages: shownMessages(messages),
  };
}

const nothingLeft: LeftOut = { leftOut: 'have an answer longer than the sequence length' };

/** Keeps the end: what is asked of the model stands there. Null where what counts would not fit, or nothing before it. */
function cutLeft({ ids, mask }: SetDocument, most: number): SetDocument | null {
  if (ids.length <= most) return { ids, mask };
  const cut = { ids: ids.subarray(ids.length - most), mask: mask.subarray(mask.length - most) };
  return mask.indexOf(1) <= ids.length - most ? null : cut;
}

export class ExampleMaker {
  readonly #set: EvaluationSetSpec;
  readonly #tokenizer: ChatTokenizer;
  readonly #seqLen: number;
  /** Of a classification whose rows have no choices of their own. */
  readonly #labels: readonly string[];

  constructor(set: EvaluationSetSpec, tokenizer: ChatTokenizer, seqLen: number, labels: readonly string[]) {
    this.#set = set;
    this.#tokenizer = tokenizer;
    this.#seqLen = seqLen;
    this.#labels = labels;
  }

  /** Throws dataset.bad_row. */
  async make(row: ChosenRow): Promise<SetExample | LeftOut> {
    if ('task' in row) return this.#task(row.task);
    const { type } = this.#set.evaluator;
    if (type === 'generation') return this.#prompt(row);
    return type === 'classification' ? this.#choices(row) : this.#answer(row);
  }

  async #conversation(chat: Chat): Promise<SetDocument> {
    const [made] = await this.#tokenizer.conversations([chat]);
    if (made === undefined) throw new Error('one chat in, one conversation out');
    if ('error' in made) throw CollieError.fromInfo(made.error);
    return made;
  }

  /** As a held-out row: the end is cut off. */
  async #answer({ chat, said }: OfChat): Promise<SetExample | LeftOut> {
    const whole = await this.#conversation(chat);
    const stored = { ids: whole.ids.subarray(0, this.#seqLen), mask: whole.mask.subarray(0, this.#seqLen) };
    if (stored.mask.indexOf(1, 1) < 0) return { leftOut: 'have no answer within the sequence length' };
    const cut = whole.ids.length - stored.ids.length;
    const lost = cut > 0 && lostAnswer(stored, whole);
    const row = about(said, stored);
    return {
      about: { ...row, tokens: stored.ids.length, answer_bytes: lost ? null : answerBytes(said) },
      documents: [stored],
      prompt: null,
      cut,
    };
  }

  async #prompt({ chat, said }: OfChat): Promise<SetExample> {
    const { asked, answer } = split(chat);
    const whole = await this.#tokenizer.prompt({ ...chat, messages: asked });
    const prompt = whole.subarray(Math.max(0, whole.length - this.#seqLen));
    const row = about(said, { ids: prompt, mask: new Uint8Array(prompt.length) });
    return {
      about: { ...row, tokens: prompt.length, references: [answer.content ?? ''] },
      documents: [],
      prompt,
      cut: whole.length - prompt.length,
    };
  }

  async #choices({ row, chat, said }: OfChat): Promise<SetExample | LeftOut> {
    const { asked, answer } = split(chat);
    const labels = this.#labelsOf(row);
    if (labels === null) return { leftOut: 'have no list of two or more texts in the choices column' };
    const label = placeOf((answer.content ?? '').trim(), labels);
    if (label < 0) return { leftOut: 'have an answer that is none of the labels' };
    const whole: SetDocument[] = [];
    for (const content of labels)
      whole.push(await this.#conversation({ ...chat, messages: [...asked, { role: 'assistant', content }] }));
    return this.#documents(whole, (first) => about(said, first), labels, label);
  }

  #labelsOf(row: Row): readonly string[] | null {
    const { evaluator } = this.#set;
    if (evaluator.type !== 'classification' || evaluator.choices === null) return this.#labels;
    const value = row[evaluator.choices];
    const texts = Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
    return Array.isArray(value) && texts.length === value.length && texts.length > 1 ? texts : null;
  }

  /** Context and continuation are tokenized as one text; what lies behind the context's tokens counts. */
  async #task({ choices, labels, label }: TaskExample): Promise<SetExample | LeftOut> {
    const whole: SetDocument[] = [];
    for (const { context, continuation } of choices) {
      // White space at the end of a context belongs to what follows.
      const bare = context.trimEnd();
      const before = await this.#tokenizer.encode(bare);
      const ids = Uint32Array.from(await this.#tokenizer.encode(context + continuation));
      const mask = new Uint8Array(ids.length).fill(1, before.length);
      whole.push({ ids, mask });
    }
    const shown = choices.map(({ context, continuation }) => context + continuation)[label] ?? '';
    const context = choices[0]?.context ?? '';
    const said = [
      { role: 'user', content: context },
      { role: 'assistant', content: shown.startsWith(context) ? (labels[label] ?? '') : shown },
    ];
    return this.#documents(whole, (first) => about(said, first), labels, label);
  }

  #documents(
    whole: readonly SetDocument[],
    row: (first: SetDocument) => Omit<SetExample['about'], 'tokens'>,
    labels: readonly string[],
    label: number,
  ): SetExample | LeftOut {
    const documents = whole.map((one) => cutLeft(one, this.#seqLen)).filter((one) => one !== null);
    const [first] = documents;
    if (!first || documents.length < whole.length) return nothingLeft;
    if (documents.some(({ mask }) => mask.indexOf(1, 1) < 0))
      return { leftOut: 'have a choice without a token' };
    const tokens = documents.reduce((sum, { ids }) => sum + ids.length, 0);
    const all = whole.reduce((sum, { ids }) => sum + ids.length, 0);
    return {
      about: { ...row(first), tokens, labels: [...labels], label },
      documents,
      prompt: null,
      cut: all - tokens,
    };
  }
}

/** The place of an answer among labels: it is one of them, or its place counted from 0, or its letter. */
export function placeOf(answer: string, labels: readonly string[]): number {
  const found = labels.findIndex((label) => label.trim() === answer);
  if (found >= 0) return found;
  const place = /^\d+$/.test(answer)
    ? Number(answer)
    : /^[A-Z]$/.test(answer)
      ? answer.charCodeAt(0) - 65
      : -1;
  return place < labels.length ? place : -1;
}
