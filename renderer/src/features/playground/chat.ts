/** A conversation with several models at once, as a pure reducer. Each sees its own answers, all see the same prompts. */
import type { ChatMessage } from '../../../../electron/shared/api/chat.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';

/** Who answers: BASE, or the key of a target (targets.ts). */
export type Side = string;
export const BASE: Side = 'base';

export interface Answer {
  /** `waiting`: asked, nothing has come yet. */
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';
  text: string;
  tokens: number;
  seconds: number;
  finish: 'stop' | 'length' | null;
  error: ErrorInfo | null;
}

export interface Turn {
  id: number;
  prompt: string;
  seed: number;
  answers: Readonly<Record<Side, Answer | undefined>>;
}

export type Turns = readonly Turn[];

export type ChatAction =
  | { type: 'asked'; id: number; prompt: string; seed: number; sides: readonly Side[] }
  /** The last turn is answered anew. */
  | { type: 'again'; id: number; seed: number; sides: readonly Side[] }
  | { type: 'text'; id: number; side: Side; text: string; tokens: number; seconds: number }
  | { type: 'ended'; id: number; side: Side; finish: Answer['finish'] }
  | { type: 'failed'; id: number; side: Side; error: ErrorInfo }
  /** Whatever has not ended will not go on. */
  | { type: 'stopped' }
  | { type: 'cleared' };

const fresh: Answer = { state: 'waiting', text: '', tokens: 0, seconds: 0, finish: null, error: null };
const freshAnswers = (sides: readonly Side[]) => Object.fromEntries(sides.map((side) => [side, fresh]));
export const isOpen = (answer: Answer | undefined): boolean =>
  answer?.state === 'waiting' || answer?.state === 'streaming';

export function reduceChat(turns: Turns, action: ChatAction): Turns {
  switch (action.type) {
    case 'asked': {
      const { id, prompt, seed, sides } = action;
      return [...turns, { id, prompt, seed, answers: freshAnswers(sides) }];
    }
    case 'again':
      return turns.map((turn, i) =>
        i === turns.length - 1
          ? { ...turn, id: action.id, seed: action.seed, answers: freshAnswers(action.sides) }
          : turn,
      );
    case 'text':
      return withAnswer(turns, action, (answer) => ({
        ...answer,
        state: 'streaming',
        text: answer.text + action.text,
        tokens: action.tokens,
        seconds: action.seconds,
      }));
    case 'ended':
      return withAnswer(turns, action, (answer) => ({ ...answer, state: 'done', finish: action.finish }));
    case 'failed':
      return withAnswer(turns, action, (answer) => ({ ...answer, state: 'failed', error: action.error }));
    case 'stopped':
      return turns.map((turn) => ({ ...turn, answers: mapAnswers(turn.answers) }));
    case 'cleared':
      return [];
  }
}

/** Events that come for an answer which has ended, or a turn that is gone, change nothing. */
function withAnswer(
  turns: Turns,
  { id, side }: { id: number; side: Side },
  change: (answer: Answer) => Answer,
): Turns {
  return turns.map((turn) => {
    const answer = turn.answers[side];
    if (turn.id !== id || !answer || !isOpen(answer)) return turn;
    return { ...turn, answers: { ...turn.answers, [side]: change(answer) } };
  });
}

function mapAnswers(answers: Turn['answers']): Turn['answers'] {
  return Object.fromEntries(
    Object.entries(answers).map(([side, answer]) => [
      side,
      answer !== undefined && isOpen(answer) ? { ...answer, state: 'stopped' as const } : answer,
    ]),
  );
}

/**
 * The messages that `side` is asked with for the turn `id`: system message, then what was said before on its side.
 * A turn without an answer of this side is left out, as two user messages in a row break most chat templates.
 */
export function messagesFor(turns: Turns, id: number, side: Side, system: string): ChatMessage[] {
  const messages: ChatMessage[] = system.trim() === '' ? [] : [{ role: 'system', content: system }];
  for (const turn of turns) {
    if (turn.id === id) return [...messages, { role: 'user', content: turn.prompt }];
    const text = turn.answers[side]?.text ?? '';
    if (text === '') continue;
    messages.push({ role: 'user', content: turn.prompt }, { role: 'assistant', content: text });
  }
  return messages;
}

/** Tokens a second of an answer; null before the first token. */
export const answerSpeed = ({ tokens, seconds }: Answer): number | null =>
  tokens > 0 && seconds > 0 ? tokens / seconds : null;
