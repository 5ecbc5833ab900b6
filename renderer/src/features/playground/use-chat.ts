/** Runs a conversation: opens the models on the first question, streams one answer after the other, closes in the end. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { MethodResult } from '../../../../electron/shared/api/api.ts';
import type { SamplingParams } from '../../../../electron/shared/api/chat.ts';
import { CollieError, type ErrorInfo } from '../../../../electron/shared/errors.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { BASE, messagesFor, type Side } from './chat.ts';
import { type TunedTarget, targetKey } from './targets.ts';
import { type Asking, type Conversing, useConversation } from './use-conversation.ts';

type OpenSession = MethodResult<'playground.open'>;

export interface ChatTarget {
  modelId: string;
  tuned: readonly TunedTarget[];
}

/** Who answers, in the order in which they do. */
export const sidesOf = ({ tuned }: ChatTarget): Side[] => [BASE, ...tuned.map(targetKey)];

export interface Chat extends Conversing {
  session: 'closed' | 'opening' | 'open';
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
  const [session, setSession] = useState<Chat['session']>('closed');
  const opened = useRef<{ sides: string; session: Promise<OpenSession> } | null>(null);
  /** Of the last session that opened. */
  const sessionId = useRef<string | null>(null);
  const sides = sidesOf(target);
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

  useEffect(() => close, [close]);

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
  function stream(asking: Asking, side: Side, session: OpenSession): Promise<void> {
    const { id, asked, seed, dispatch, streams } = asking;
    return new Promise((resolve, reject) => {
      const settle = (error: ErrorInfo | null) => {
        streams(null);
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
      streams(() => {
        end();
        settle(null);
      });
    });
  }

  async function answer(asking: Asking, side: Side): Promise<void> {
    const { id, dispatch, wanted } = asking;
    try {
      const session = await open();
      if (!wanted()) return;
      await stream(asking, side, session).catch(async (thrown) => {
        if (!sessionEnded(thrown, session.sessionId)) throw thrown;
        // The host lets go of models nobody talks to: load them again and ask once more.
        opened.current = null;
        const again = await open();
        if (wanted()) await stream(asking, side, again);
      });
      dispatch({ type: 'ended', id, side, finish: null });
    } catch (thrown) {
      dispatch({ type: 'failed', id, side, error: asErrorInfo(thrown) });
    }
  }

  async function ask(asking: Asking): Promise<void> {
    const { id, dispatch, wanted } = asking;
    try {
      await open();
    } catch (thrown) {
      for (const side of sides) dispatch({ type: 'failed', id, side, error: asErrorInfo(thrown) });
      return;
    }
    // One after the other: all models compute on the same cores or GPU, and each speed is its own.
    for (const side of sides) {
      if (!wanted()) return;
      await answer(asking, side);
    }
  }

  return { ...useConversation(target.modelId, sides, ask), session };
}

const sessionEnded = (thrown: unknown, session: string): boolean =>
  thrown instanceof CollieError && thrown.code === 'request.invalid' && thrown.data.id === session;
