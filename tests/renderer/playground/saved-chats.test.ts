import { describe, expect, it } from 'vitest';
import { reduceChat, type Turns } from '../../../renderer/src/features/playground/chat.ts';
import { loadChat, saveChat } from '../../../renderer/src/features/playground/saved-chats.ts';

function storage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

const asked = (turns: Turns, id: number) =>
  reduceChat(turns, { type: 'asked', id, prompt: `question ${id}`, seed: 1, sides: ['base', 'run'] });

describe('a conversation', () => {
  it('survives a reload, by model; what was being answered has stopped', () => {
    const place = storage();
    let turns = asked([], 1);
    turns = reduceChat(turns, { type: 'text', id: 1, side: 'base', text: 'It is', tokens: 2, seconds: 1 });
    saveChat(place, 'a', turns);
    const [turn] = loadChat(place, 'a');
    expect(turn?.answers.base).toMatchObject({ text: 'It is', state: 'stopped', tokens: 2 });
    expect(turn?.answers.run?.state).toBe('stopped');
    expect(loadChat(place, 'b')).toEqual([]);
  });

  it('is forgotten when it is cleared, and when what is kept is none', () => {
    const place = storage();
    saveChat(place, 'a', asked([], 1));
    saveChat(place, 'a', []);
    expect(place.items.size).toBe(0);
    place.setItem('collie.chat.a', '[{"id": "x"}]');
    expect(loadChat(place, 'a')).toEqual([]);
    place.setItem('collie.chat.a', '{');
    expect(loadChat(place, 'a')).toEqual([]);
  });

  it('keeps its newest turns', () => {
    const place = storage();
    const turns = Array.from({ length: 100 }, (_, i) => i + 1).reduce<Turns>(asked, []);
    saveChat(place, 'a', turns);
    const kept = loadChat(place, 'a');
    expect(kept).toHaveLength(60);
    expect(kept.at(-1)?.id).toBe(100);
  });

  it('does without a storage', () => {
    saveChat(undefined, 'a', asked([], 1));
    expect(loadChat(undefined, 'a')).toEqual([]);
  });
});
