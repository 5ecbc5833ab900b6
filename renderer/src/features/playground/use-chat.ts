/** Runs a conversation: opens the models on the first question, streams one answer after the other, closes in the end. */
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import type { SamplingParams } from '../../../../electron/shared/entities.ts';
import { CollieError, type ErrorInfo } from '../../../../electron/shared/errors.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { isOpen, messagesFor, reduceChat, type Side, type Turns } from './chat.ts';

export interface ChatTarget {
  modelId: string;
  runId: string | null;
  /** Empty: the newest. */
  checkpoint: string;
}

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

/** Give it a `key` per target: a conversation belongs to the models it was held with. */
export function useChat(target: ChatTarget, options: ChatOptions): Chat {
  const client = useClient();
  const [turns, dispatch] = useReducer(reduceChat, []);
  const [session, setSession] = useState<Chat['session']>('closed');
  const sessionId = useRef<Promise<string> | null>(null);
  const endStream = useRef<(() => void) | null>(null);
  /** Counts questions: an older one that is still under way notices that it is no longer wanted. */
  const current = useRef(0);
  const sides: readonly Side[] = target.runId === null ? ['base'] : ['base', 'tuned'];

  const close = useCallback(() => {
    const opened = sessionId.current;
    sessionId.current = null;
    setSession('closed');
    // A session that never opened needs no closing; one that the host has lost neither.
    opened?.then((id) => client.call('playground.close', { sessionId: id })).catch(() => {});
  }, [client]);

  useEffect(
    () => () => {
      current.current += 1;
      endStream.current?.();
      close();
    },
    [close],
  );

  function open(): Promise<string> {
    if (sessionId.current) return sessionId.current;
    setSession('opening');
    const opening = client.call('playground.open', { ...target }).then((opened) => {
      setSession('open');
      return opened.sessionId;
    });
    sessionId.current = opening;
    opening.catch(() => {
      if (sessionId.current !== opening) return;
      sessionId.current = null;
      setSession('closed');
    });
    return opening;
  }

  /** Streams one answer. Resolves at its end, rejects with its error. */
  function stream(id: number, side: Side, session: string, asked: Turns, seed: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: ErrorInfo | null) => {
        endStream.current = null;
        if (error) reject(CollieError.fromInfo(error));
        else resolve();
      };
      const end = client.subscribe(
        'playground.generate',
        {
          sessionId: session,
          use: side,
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
        if (!sessionEnded(thrown, session)) throw thrown;
        // The host lets go of models nobody talks to: load them again and ask once more.
        sessionId.current = null;
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
    // One after the other: both models compute on the same cores or GPU, and each speed is its own.
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
