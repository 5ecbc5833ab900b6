/** What a conversation becomes with every event, and what of it a model is asked with. */
import { describe, expect, it } from 'vitest';
import { messagesFor, reduceChat, type Turns } from '../../../renderer/src/features/playground/chat.ts';

describe('the conversation', () => {
  const answered = (text: string) => ({
    state: 'done' as const,
    text,
    tokens: 1,
    seconds: 1,
    finish: 'stop' as const,
    error: null,
  });

  it('each side remembers its own answers, and no prompt without one', () => {
    const turns: Turns = [
      { id: 1, prompt: 'a', seed: 0, answers: { base: answered('A'), tuned: answered('T') } },
      { id: 2, prompt: 'b', seed: 0, answers: { base: answered(''), tuned: answered('U') } },
      { id: 3, prompt: 'c', seed: 0, answers: {} },
    ];
    expect(messagesFor(turns, 3, 'base', ' ').map((m) => m.content)).toEqual(['a', 'A', 'c']);
    expect(messagesFor(turns, 3, 'tuned', 'Be brief.').map((m) => m.content)).toEqual([
      'Be brief.',
      'a',
      'T',
      'b',
      'U',
      'c',
    ]);
  });

  it('what comes late for a stopped or repeated question changes nothing', () => {
    const asked = reduceChat([], { type: 'asked', id: 1, prompt: 'a', seed: 0, sides: ['base'] });
    const stopped = reduceChat(asked, { type: 'stopped' });
    const late = { type: 'text', id: 1, side: 'base', text: 'x', tokens: 1, seconds: 1 } as const;
    expect(reduceChat(stopped, late)).toEqual(stopped);
    const again = reduceChat(stopped, { type: 'again', id: 2, seed: 5, sides: ['base'] });
    expect(reduceChat(again, late)).toEqual(again);
    expect(again[0]?.seed).toBe(5);
  });
});
