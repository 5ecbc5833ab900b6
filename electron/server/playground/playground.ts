/** Chat with a base model and a run's result: one serving rank a session, ended when nobody speaks to it. */
import { randomUUID } from 'node:crypto';
import type { TopicEvent, TopicParsed } from '../../shared/api.ts';
import { CollieError } from '../../shared/errors.ts';
import { promptIds } from '../tokenize/conversation.ts';
import { StreamDecoder } from '../tokenize/stream.ts';
import type { ModelTokenizer } from '../tokenize/tokenizer.ts';
import { ServeRank, type ServeRankOptions } from './serve-rank.ts';

export interface SessionOptions extends ServeRankOptions {
  tokenizer: ModelTokenizer;
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
  readonly #idleMs: number;

  constructor(idleMs: number = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** Loads the model. Throws what the rank says when it cannot. */
  async open(options: SessionOptions): Promise<{ sessionId: string; hasTuned: boolean }> {
    if (this.#sessions.size >= MAX_SESSIONS) this.#closeOldestIdle();
    const rank = new ServeRank(options);
    const { tuned } = await rank.ready;
    const sessionId = randomUUID();
    this.#sessions.set(sessionId, { options, rank, idle: null, active: 0 });
    this.#armIdle(sessionId);
    return { sessionId, hasTuned: tuned };
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
  }

  /** Streams one answer; ends after the event with `done`. */
  async *generate(
    params: TopicParsed<'playground.generate'>,
    signal: AbortSignal,
  ): AsyncGenerator<TopicEvent<'playground.generate'>> {
    const session = this.#session(params.sessionId);
    const { tokenizer, context } = session.options;
    const ids = [...(await promptIds(params.messages, tokenizer))];
    const room = context - ids.length;
    if (room < 1) throw conversationTooLong(ids.length, context);
    const { temperature, topK, topP, maxNewTokens, seed } = params.sampling;
    const request = {
      ids,
      use: params.use,
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
      `${MAX_SESSIONS} chats are answering at once.`,
      'Wait for one of them, or close it.',
    );
  }
}

/** Tokens to text events. Tokens that give no whole character yet only count. */
async function* answer(
  events: ReturnType<ServeRank['generate']>,
  tokenizer: ModelTokenizer,
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
