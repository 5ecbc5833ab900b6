/** A conversation with the weights of a run as they are while it trains, and beside them with its base where that is in memory. */
import { useEffect, useReducer, useRef, useState } from 'react';
import type { SamplingParams } from '../../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../../electron/shared/errors.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { BASE, isOpen, messagesFor, reduceChat, type Side, type Turns } from '../playground/chat.ts';
import { loadChat, saveChat } from '../playground/saved-chats.ts';

export const LIVE: Side = 'live';

export interface LiveChat {
  turns: Turns;
  busy: boolean;
  /** Seconds that the training has waited for the answers of this page. */
  waited: number;
  send(prompt: string, seed: number): void;
  regenerate(seed: number): void;
  stop(): void;
  clear(): void;
}

interface Options {
  system: string;
  sampling: Omit<SamplingParams, 'seed'>;
  sides: readonly Side[];
}

export function useLiveChat(runId: string, { system, sampling, sides }: Options): LiveChat {
  const client = useClient();
  const [turns, dispatch] = useReducer(reduceChat, runId, (id) => loadChat(globalThis.localStorage, id));
  const [waited, setWaited] = useState(0);
  const current = useRef(turns.at(-1)?.id ?? 0);
  const endStream = useRef<(() => void) | null>(null);
  useEffect(() => saveChat(globalThis.localStorage, runId, turns), [runId, turns]);
  useEffect(
    () => () => {
      current.current += 1;
      endStream.current?.();
    },
    [],
  );

  /** Resolves at the end of one answer, rejects with its error. */
  const stream = (id: number, side: Side, asked: Turns, seed: number) =>
    new Promise<void>((resolve, reject) => {
      const messages = messagesFor(asked, id, side, system);
      const end = client.subscribe(
        'runs.ask',
        { id: runId, adapter: side !== BASE, messages, sampling: { ...sampling, seed } },
        ({ text, tokens, seconds, done, finish }) => {
          dispatch({ type: 'text', id, side, text, tokens, seconds });
          if (!done) return;
          dispatch({ type: 'ended', id, side, finish });
          setWaited((before) => before + seconds);
        },
        (error) => {
          endStream.current = null;
          if (error) reject(CollieError.fromInfo(error));
          else resolve();
        },
      );
      endStream.current = () => {
        end();
        resolve();
      };
    });

  async function ask(id: number, asked: Turns, seed: number): Promise<void> {
    for (const side of sides) {
      if (current.current !== id) return;
      try {
        await stream(id, side, asked, seed);
        dispatch({ type: 'ended', id, side, finish: null });
      } catch (thrown) {
        dispatch({ type: 'failed', id, side, error: asErrorInfo(thrown) });
      }
    }
  }

  return {
    turns,
    busy: turns.some((turn) => Object.values(turn.answers).some(isOpen)),
    waited,
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
