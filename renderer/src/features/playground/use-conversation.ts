/** What is asked and answered, whoever answers: turns that are kept over a reload, one question at a time, the answers one after the other. */
import { type Dispatch, useEffect, useReducer, useRef } from 'react';
import { type ChatAction, isOpen, reduceChat, type Side, type Turns } from './chat.ts';
import { loadChat, saveChat } from './saved-chats.ts';

/** Between the last change of a conversation and its being kept. */
const SAVE_MS = 150;

/** A question under way. */
export interface Asking {
  id: number;
  /** With this question as the last turn. */
  asked: Turns;
  seed: number;
  dispatch: Dispatch<ChatAction>;
  /** False: another question, or a stop, has come since. */
  wanted(): boolean;
  /** What ends the answer that streams; null: it has ended. */
  streams(end: (() => void) | null): void;
}

export interface Conversing {
  turns: Turns;
  busy: boolean;
  send(prompt: string, seed: number): void;
  /** Asks for the last answers again. */
  regenerate(seed: number): void;
  stop(): void;
  clear(): void;
}

/**
 * Keeps a conversation a moment after its last token, since an answer of thousands is not written as often, and at once when the page or
 * the window goes away.
 */
function useKept(key: string, turns: Turns): void {
  const unsaved = useRef<(() => void) | null>(null);
  useEffect(() => {
    unsaved.current = () => saveChat(globalThis.localStorage, key, turns);
    const timer = setTimeout(() => {
      unsaved.current?.();
      unsaved.current = null;
    }, SAVE_MS);
    return () => clearTimeout(timer);
  }, [turns, key]);
  useEffect(() => {
    const save = () => unsaved.current?.();
    window.addEventListener('pagehide', save);
    return () => {
      window.removeEventListener('pagehide', save);
      save();
    };
  }, []);
}

/** `key`: what the conversation is kept under. `ask` gets the answers of all sides. */
export function useConversation(
  key: string,
  sides: readonly Side[],
  ask: (asking: Asking) => Promise<void>,
): Conversing {
  const [turns, dispatch] = useReducer(reduceChat, key, (id) => loadChat(globalThis.localStorage, id));
  const endStream = useRef<(() => void) | null>(null);
  /** Counts questions: an older one that is still under way notices that it is no longer wanted. */
  const current = useRef(turns.at(-1)?.id ?? 0);
  useKept(key, turns);
  const end = () => {
    current.current += 1;
    endStream.current?.();
  };
  useEffect(
    () => () => {
      current.current += 1;
      endStream.current?.();
    },
    [],
  );
  const begin = (action: Extract<ChatAction, { type: 'asked' | 'again' }>) => {
    dispatch(action);
    void ask({
      ...{ id: action.id, asked: reduceChat(turns, action), seed: action.seed, dispatch },
      wanted: () => current.current === action.id,
      streams: (stop) => {
        endStream.current = stop;
      },
    });
  };
  return {
    turns,
    busy: turns.some((turn) => Object.values(turn.answers).some(isOpen)),
    send(prompt, seed) {
      begin({ type: 'asked', id: ++current.current, prompt, seed, sides });
    },
    regenerate(seed) {
      end();
      begin({ type: 'again', id: current.current, seed, sides });
    },
    stop() {
      dispatch({ type: 'stopped' });
      end();
    },
    clear() {
      dispatch({ type: 'cleared' });
      end();
    },
  };
}
