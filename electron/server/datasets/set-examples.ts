/** A row of an evaluation set as what the engine computes: documents whose losses are wanted, or a prompt to answer. */
import { CollieError } from '../../shared/errors.ts';
import { trimEnd } from '../../shared/evaluation/text.ts';
import type { EvalRow } from '../../shared/runs/evaluation-rows.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import type { ChoicesExample, InstructionsExample, TaskExample } from '../evaluation/tasks.ts';
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
  about: Omit<EvalRow, 'source_row' | 'first_document' | 'alone_documents'>;
  documents: SetDocument[];
  /** Of labels that are held against themselves without the prompt: a document each, often the same in all rows. */
  alone: SetDocument[];
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
    if ('task' in row) return 'choices' in row.task ? this.#task(row.task) : this.#instructed(row.task);
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
      alone: [],
      prompt: null,
      cut,
    };
  }

  async #prompt({ chat, said }: OfChat): Promise<SetExample> {
    const { asked, answer } = split(chat);
    return this.#asked({ ...chat, messages: asked }, said, { references: [answer.content ?? ''] });
  }

  /** A benchmark's prompt is asked as it is, in the chat template. */
  #instructed({ prompt, instructions }: InstructionsExample): Promise<SetExample> {
    const messages = [{ role: 'user', content: prompt }];
    return this.#asked({ messages }, messages, { instructions });
  }

  async #asked(
    chat: Chat,
    said: readonly Message[],
    by: Pick<EvalRow, 'references' | 'instructions'>,
  ): Promise<SetExample> {
    const whole = await this.#tokenizer.prompt(chat);
    const prompt = whole.subarray(Math.max(0, whole.length - this.#seqLen));
    const row = about(said, { ids: prompt, mask: new Uint8Array(prompt.length) });
    return {
      about: { ...row, tokens: prompt.length, ...by },
      documents: [],
      alone: [],
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
    const behind = async (before: readonly Message[]) => {
      const documents: SetDocument[] = [];
      for (const content of labels)
        documents.push(
          await this.#conversation({ ...chat, messages: [...before, { role: 'assistant', content }] }),
        );
      return documents;
    };
    const whole = await behind(asked);
    const neutral = this.#neutral;
    const system = asked.filter(({ role }) => role === 'system');
    const alone = neutral === null ? [] : await behind([...system, { role: 'user', content: neutral }]);
    return this.#documents({ whole, alone, labels, label }, (first) => about(said, first));
  }

  /** What stands in the prompt's place where labels are held against themselves; null: they are not. */
  get #neutral(): string | null {
    const { evaluator } = this.#set;
    if (evaluator.type !== 'classification' || evaluator.normalize !== 'mutual_info') return null;
    return evaluator.neutral_prompt;
  }

  #labelsOf(row: Row): readonly string[] | null {
    const { evaluator } = this.#set;
    if (evaluator.type !== 'classification' || evaluator.choices === null) return this.#labels;
    const value = row[evaluator.choices];
    const texts = Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
    return Array.isArray(value) && texts.length === value.length && texts.length > 1 ? texts : null;
  }

  async #task({ choices, labels, label }: ChoicesExample): Promise<SetExample | LeftOut> {
    const whole: SetDocument[] = [];
    const alone: SetDocument[] = [];
    const neutral = this.#neutral;
    for (const { context, continuation } of choices) {
      whole.push(await this.#continued(context, continuation));
      if (neutral !== null) alone.push(await this.#continued(neutral, continuation));
    }
    const shown = choices.map(({ context, continuation }) => context + continuation)[label] ?? '';
    const context = choices[0]?.context ?? '';
    const said = [
      { role: 'user', content: context },
      { role: 'assistant', content: shown.startsWith(context) ? (labels[label] ?? '') : shown },
    ];
    return this.#documents({ whole, alone, labels, label }, (first) => about(said, first));
  }

  /**
   * Context and continuation are tokenized as one text; what lies behind the context's tokens counts. Without a context, the token that begins a text
   * (or else ends one) stands before it, as in lm-evaluation-harness.
   */
  async #continued(context: string, continuation: string): Promise<SetDocument> {
    // White space at the end of a context belongs to what follows.
    const bare = trimEnd(context);
    const ids = await this.#tokenizer.encode(context + continuation);
    let before = bare === '' ? 0 : (await this.#tokenizer.encode(bare)).length;
    const { bos, eos } = this.#tokenizer;
    const prefix = bos ?? eos;
    if (before === 0 && prefix !== null && ids[0] !== prefix.id) {
      ids.unshift(prefix.id);
      before = 1;
    }
    const mask = new Uint8Array(ids.length).fill(1, before);
    return { ids: Uint32Array.from(ids), mask };
  }

  #documents(
    {
      labels,
      label,
      ...made
    }: { whole: SetDocument[]; alone: SetDocument[]; labels: readonly string[]; label: number },
    row: (first: SetDocument) => Omit<SetExample['about'], 'tokens'>,
  ): SetExample | LeftOut {
    const fitting = (all: SetDocument[]) =>
      all.map((one) => cutLeft(one, this.#seqLen)).filter((one) => one !== null);
    const [documents, alone] = [fitting(made.whole), fitting(made.alone)];
    const [first] = documents;
    if (!first || documents.length < made.whole.length || alone.length < made.alone.length)
      return nothingLeft;
    // The first token of a document is never predicted.
    if ([...documents, ...alone].some(({ mask }) => mask.indexOf(1, 1) < 0))
      return { leftOut: 'have a choice without a token' };
    const tokens = documents.reduce((sum, { ids }) => sum + ids.length, 0);
    const all = made.whole.reduce((sum, { ids }) => sum + ids.length, 0);
    return {
      about: { ...row(first), tokens, labels: [...labels], label },
      documents,
      alone,
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
