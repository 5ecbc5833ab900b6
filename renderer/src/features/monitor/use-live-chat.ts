/** A conversation with the weights of a run as they are while it trains, and beside them with its base where that is in memory. */
import { useState } from 'react';
import type { SamplingParams } from '../../../../electron/shared/api/chat.ts';
import { CollieError } from '../../../../electron/shared/errors.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { BASE, messagesFor, type Side } from '../playground/chat.ts';
import { type Asking, type Conversing, useConversation } from '../playground/use-conversation.ts';

export const LIVE: Side = 'live';

export interface LiveChat extends Conversing {
  /** Seconds that the training has waited for the answers of this page. */
  waited: number;
}

interface Options {
  system: string;
  sampling: Omit<SamplingParams, 'seed'>;
  sides: readonly Side[];
}

export function useLiveChat(runId: string, { system, sampling, sides }: Options): LiveChat {
  const client = useClient();
  const [waited, setWaited] = useState(0);

  /** Resolves at the end of one answer, rejects with its error. */
  const stream = ({ id, asked, seed, dispatch, streams }: Asking, side: Side) =>
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
          streams(null);
          if (error) reject(CollieError.fromInfo(error));
          else resolve();
        },
      );
      streams(() => {
        end();
        resolve();
      });
    });

  const ask = async (asking: Asking): Promise<void> => {
    const { id, dispatch, wanted } = asking;
    for (const side of sides) {
      if (!wanted()) return;
      try {
        await stream(asking, side);
        dispatch({ type: 'ended', id, side, finish: null });
      } catch (thrown) {
        dispatch({ type: 'failed', id, side, error: asErrorInfo(thrown) });
      }
    }
  };
  return { ...useConversation(runId, sides, ask), waited };
}
