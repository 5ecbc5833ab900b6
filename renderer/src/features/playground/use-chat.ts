/** Runs a conversation: opens the models on the first question, streams one answer after the other, closes in the end. */
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import type { MethodResult } from '../../../../electron/shared/api/api.ts';
import type { SamplingParams } from '../../../../electron/shared/api/entities.ts';
import { CollieError, type ErrorInfo } from '../../../../electron/shared/errors.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { BASE, isOpen, messagesFor, reduceChat, type Side, type Turns } from './chat.ts';
import { loadChat, saveChat } from './saved-chats.ts';
import { type TunedTarget, targetKey } from './targets.ts';

/** Between the last change of a conversation and its being kept. */
const SAVE_MS = 150;

type OpenSession = MethodResult<'playground.open'>;

export interface ChatTarget {
  modelId: string;
  tuned: readonly TunedTarget[];
}

/** Who answers, in the order in which they do. */
export const sidesOf = ({ tuned }: ChatTarget): Side[] => [BASE, ...tuned.map(targetKey)];

export interface Chat {
  turns: Turns;
  session: 'closed' | 'opening' | 'open';
  busy: boolean;
  send(prompt: string, seed: number): void;
  /** Asks for the last answers again. */
  regenerate(seed: number): void;
  stop(): void;
  clear(): void;
}

export interface ChatOptions {
  system: string;
  sampling: Omit<SamplingParams, 'seed'>;
}

/**
 * Give it a `key` per base model. Tuned models may come and go in the middle of a conversation: the next question loads what is
 * new beside the base, which stays.
 */
export function useChat(target: ChatTarget, options: ChatOptions): Chat {
  const client = useClient();
  const [turns, dispatch] = useReducer(reduceChat, target.modelId, (id) =>
    loadChat(globalThis.localStorage, id),
  );
  const [session, setSession] = useState<Chat['session']>('closed');
  const opened = useRef<{ sides: string; session: Promise<OpenSession> } | null>(null);
  /** Of the last session that opened. */
  const sessionId = useRef<string | null>(null);
  const endStream = useRef<(() => void) | null>(null);
  /** Counts questions: an older one that is still under way notices that it is no longer wanted. */
  const current = useRef(turns.at(-1)?.id ?? 0);
  const sides = sidesOf(target);
  useEffect(() => {
    // A moment after the last token: an answer of thousands is not written as often.
    const timer = setTimeout(() => saveChat(globalThis.localStorage, target.modelId, turns), SAVE_MS);
    return () => clearTimeout(timer);
  }, [turns, target.modelId]);

  const close = useCallback(() => {
    const last = sessionId.current;
    const opening = opened.current?.session ?? Promise.resolve(last === null ? null : { sessionId: last });
    opened.current = null;
    sessionId.current = null;
    setSession('closed');
    const end = (id: string | null | undefined) =>
      id ? client.call('playground.close', { sessionId: id }) : undefined;
    // A session that never opened needs no closing; one that the host has lost neither.
    opening
      .then(
        (session) => end(session?.sessionId),
        () => end(last),
      )
      .catch(() => {});
  }, [client]);

  useEffect(
    () => () => {
      current.current += 1;
      endStream.current?.();
      close();
    },
    [close],
  );

  /** The session with all that is chosen now. */
  function open(): Promise<OpenSession> {
    const wanted = sides.join(' ');
    if (opened.current?.sides === wanted) return opened.current.session;
    setSession('opening');
    const session = client.call('playground.open', {
      modelId: target.modelId,
      tuned: [...target.tuned],
      sessionId: sessionId.current,
    });
    const mine = { sides: wanted, session };
    opened.current = mine;
    session.then(
      ({ sessionId: id }) => {
        if (opened.current !== mine) return;
        sessionId.current = id;
        setSession('open');
      },
      () => {
        if (opened.current !== mine) return;
        opened.current = null;
        setSession('closed');
      },
    );
    return session;
  }

  /** Streams one answer. Resolves at its end, rejects with its error. */
  function stream(id: number, side: Side, session: OpenSession, asked: Turns, seed: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: ErrorInfo | null) => {
        endStream.current = null;
        if (error) reject(CollieError.fromInfo(error));
        else resolve();
      };
      const end = client.subscribe(
        'playground.generate',
        {
          sessionId: session.sessionId,
          tuned: side === BASE ? null : (session.places[sides.indexOf(side) - 1] ?? null),
          messages: messagesFor(asked, id, side, options.system),
          sampling: { ...options.sampling, seed },
        },
        (event) => {
          const { text, tokens, seconds } = event;
          dispatch({ type: 'text', id, side, text, tokens, seconds });
          if (event.done) dispatch({ type: 'ended', id, side, finish: event.finish });
        },
        settle,
      );
      endStream.current = () => {
        end();
        settle(null);
      };
    });
  }

  async function answer(id: number, side: Side, asked: Turns, seed: number): Promise<void> {
    try {
      const session = await open();
      if (current.current !== id) return;
      await stream(id, side, session, asked, seed).catch(async (thrown) => {
        if (!sessionEnded(thrown, session.sessionId)) throw thrown;
        // The host lets go of models nobody talks to: load them again and ask once more.
        opened.current = null;
        const again = await open();
        if (current.current === id) await stream(id, side, again, asked, seed);
      });
      dispatch({ type: 'ended', id, side, finish: null });
    } catch (thrown) {
      dispatch({ type: 'failed', id, side, error: asErrorInfo(thrown) });
    }
  }

  async function ask(id: number, asked: Turns, seed: number): Promise<void> {
    try {
      await open();
    } catch (thrown) {
      for (const side of sides) dispatch({ type: 'failed', id, side, error: asErrorInfo(thrown) });
      return;
    }
    // One after the other: all models compute on the same cores or GPU, and each speed is its own.
    for (const side of sides) {
      if (current.current !== id) return;
      await answer(id, side, asked, seed);
    }
  }

  return {
    turns,
    session,
    busy: turns.some((turn) => Object.values(turn.answers).some(isOpen)),
    send(prompt, seed) {
      const id = ++current.current;
      const asked = { type: 'asked', id, prompt, seed, sides } as const;
      dispatch(asked);
      void ask(id, reduceChat(turns, asked), seed);
    },
    regenerate(seed) {
      const id = ++current.current;
      endStream.current?.();
      const again = { type: 'again', id, seed, sides } as const;
      dispatch(again);
      void ask(id, reduceChat(turns, again), seed);
    },
    stop() {
      current.current += 1;
      dispatch({ type: 'stopped' });
      endStream.current?.();
    },
    clear() {
      current.current += 1;
      dispatch({ type: 'cleared' });
      endStream.current?.();
    },
  };
}

const sessionEnded = (thrown: unknown, session: string): boolean =>
  thrown instanceof CollieError && thrown.code === 'request.invalid' && thrown.data.id === session;
