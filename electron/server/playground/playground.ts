/** Chat with a base model and what runs made of it: one serving rank a session, ended when nobody speaks to it. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { TopicEvent, TopicParsed } from '../../shared/api/api.ts';
import { MAX_TUNED } from '../../shared/api/chat.ts';
import { CollieError } from '../../shared/errors.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import { StreamDecoder } from '../tokenize/stream.ts';
import { ServeRank, type ServeRankOptions, type TunedModel } from './serve-rank.ts';

export interface SessionOptions extends ServeRankOptions {
  tokenizer: ChatTokenizer;
  /** How the base is held in memory, which is how the runs had it. */
  quantization: 'none' | 'nf4';
}

export interface OpenSession {
  sessionId: string;
  /** Of every one in `SessionOptions.tuned`. */
  places: number[];
}

interface Session {
  options: SessionOptions;
  rank: ServeRank;
  idle: NodeJS.Timeout | null;
  active: number;
}

const IDLE_MS = 10 * 60_000;
const MAX_SESSIONS = 4;

export class Playground {
  readonly #sessions = new Map<string, Session>();
  /** Ranks that still load: a page that is loaded anew meanwhile asks for another. */
  readonly #opening = new Set<ServeRank>();
  readonly #idleMs: number;

  constructor(idleMs: number = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /**
   * Loads the models. Throws what the rank says when it cannot. A session that has the same base is gone on with, as long as
   * there is a place for what it lacks; one that cannot be is ended.
   */
  async open(options: SessionOptions, previousId: string | null = null): Promise<OpenSession> {
    requireDistinct(options.tuned);
    const previous = previousId === null ? undefined : this.#sessions.get(previousId);
    if (previousId !== null && previous) {
      if (canServe(previous, options)) return this.#extend(previousId, previous, options.tuned);
      this.close(previousId);
    }
    if (this.#sessions.size + this.#opening.size >= MAX_SESSIONS) this.#closeOldestIdle();
    const rank = new ServeRank(options);
    this.#opening.add(rank);
    try {
      await rank.ready;
    } finally {
      this.#opening.delete(rank);
    }
    if (rank.closing) throw new CollieError('job.cancelled', 'The chat was closed while its model loaded.');
    const sessionId = randomUUID();
    this.#sessions.set(sessionId, { options, rank, idle: null, active: 0 });
    this.#armIdle(sessionId);
    return { sessionId, places: [...options.tuned.keys()] };
  }

  async #extend(sessionId: string, session: Session, wanted: readonly TunedModel[]): Promise<OpenSession> {
    this.#begin(session);
    try {
      for (const tuned of missing(session, wanted)) {
        await session.rank.load(tuned);
        // A rank that is started again has them all, in the same places.
        session.options = { ...session.options, tuned: [...session.options.tuned, tuned] };
      }
    } finally {
      this.#end(sessionId, session);
    }
    const loaded = session.options.tuned;
    return { sessionId, places: wanted.map((one) => loaded.findIndex((other) => isSame(one, other))) };
  }

  /** Closing a session that has ended does nothing. */
  close(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (!session) return;
    if (session.idle) clearTimeout(session.idle);
    session.rank.close();
    this.#sessions.delete(sessionId);
  }

  closeAll(): void {
    for (const id of [...this.#sessions.keys()]) this.close(id);
    for (const rank of this.#opening) rank.close();
  }

  /** Streams one answer; ends after the event with `done`. */
  async *generate(
    params: TopicParsed<'playground.generate'>,
    signal: AbortSignal,
  ): AsyncGenerator<TopicEvent<'playground.generate'>> {
    const session = this.#session(params.sessionId);
    const { tokenizer, context } = session.options;
    const ids = [...(await tokenizer.prompt({ messages: params.messages }))];
    const room = context - ids.length;
    if (room < 1) throw conversationTooLong(ids.length, context);
    const { temperature, topK, topP, maxNewTokens, seed } = params.sampling;
    const request = {
      ids,
      tuned: params.tuned,
      temperature,
      top_k: topK,
      top_p: topP,
      max_new_tokens: Math.min(maxNewTokens, room),
      seed,
      stop_ids: tokenizer.stopIds,
    };
    this.#begin(session);
    try {
      yield* answer(session.rank.generate(request, signal), tokenizer);
    } finally {
      this.#end(params.sessionId, session);
    }
  }

  #session(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) {
      throw new CollieError('request.invalid', 'This chat has ended.', 'Open it again to load the model.', {
        id,
      });
    }
    // A rank that died (out of memory, killed) is started again for the next question.
    if (!session.rank.alive) session.rank = new ServeRank(session.options);
    return session;
  }

  #begin(session: Session): void {
    session.active += 1;
    if (session.idle) clearTimeout(session.idle);
    session.idle = null;
  }

  #end(id: string, session: Session): void {
    session.active -= 1;
    if (session.active === 0 && this.#sessions.has(id)) this.#armIdle(id);
  }

  #armIdle(id: string): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    session.idle = setTimeout(() => this.close(id), this.#idleMs);
    session.idle.unref();
  }

  #closeOldestIdle(): void {
    for (const [id, session] of this.#sessions) {
      if (session.active > 0) continue;
      this.close(id);
      return;
    }
    throw new CollieError(
      'memory.insufficient',
      `${MAX_SESSIONS} chats are loading or answering at once.`,
      'Wait for one of them, or close it.',
    );
  }
}

const isSame = (a: TunedModel, b: TunedModel) => a.path === b.path && a.checkpoint === b.checkpoint;

const missing = ({ options }: Session, wanted: readonly TunedModel[]): TunedModel[] =>
  wanted.filter((one) => !options.tuned.some((other) => isSame(one, other)));

/** Whether a session's base is the one that is wanted, with a place left for every tuned model that it lacks. */
function canServe(session: Session, wanted: SessionOptions): boolean {
  const { options, rank } = session;
  return (
    rank.alive &&
    options.modelPath === wanted.modelPath &&
    options.precision === wanted.precision &&
    options.quantization === wanted.quantization &&
    options.context === wanted.context &&
    options.tuned.length + missing(session, wanted.tuned).length <= MAX_TUNED
  );
}

function requireDistinct(tuned: readonly TunedModel[]): void {
  const twice = tuned.find((one, i) => tuned.slice(0, i).some((other) => isSame(one, other)));
  if (!twice) return;
  throw new CollieError(
    'request.invalid',
    `Checkpoint ${twice.checkpoint} of the run ${basename(twice.path)} is chosen twice.`,
    'Leave one of the two out: the newest checkpoint of a run may be the one you named.',
    { run: twice.path, checkpoint: twice.checkpoint },
  );
}

/** Tokens to text events. Tokens that give no whole character yet only count. */
async function* answer(
  events: ReturnType<ServeRank['generate']>,
  tokenizer: ChatTokenizer,
): AsyncGenerator<TopicEvent<'playground.generate'>> {
  const decoder = new StreamDecoder(tokenizer);
  const started = performance.now();
  let tokens = 0;
  for await (const event of events) {
    if (event.kind === 'token') {
      tokens += 1;
      const text = await decoder.push(event.token);
      const seconds = (performance.now() - started) / 1000;
      if (text !== '') yield { text, done: false, tokens, seconds, finish: null };
    } else {
      yield { text: await decoder.end(), done: true, tokens, seconds: event.seconds, finish: event.finish };
    }
  }
}

function conversationTooLong(tokens: number, context: number): CollieError {
  return new CollieError(
    'request.invalid',
    `The conversation has ${tokens} tokens; the model was loaded for ${context}.`,
    'Start a new conversation.',
    { tokens, context },
  );
}
