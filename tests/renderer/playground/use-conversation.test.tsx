// @vitest-environment jsdom
import { act, cleanup, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BASE } from '../../../renderer/src/features/playground/chat.ts';
import { loadChat } from '../../../renderer/src/features/playground/saved-chats.ts';
import { useConversation } from '../../../renderer/src/features/playground/use-conversation.ts';

const saved = () => loadChat(localStorage, 'model').map(({ prompt }) => prompt);

beforeEach(() => localStorage.clear());
afterEach(cleanup);

/** A conversation with a question to which the answer has just begun. */
function asked() {
  const hook = renderHook(() => useConversation('model', [BASE], () => new Promise(() => {})));
  act(() => hook.result.current.send('And 4 plus 4?', 1));
  expect(saved()).toEqual([]); // Not at every token.
  return hook;
}

test('a window that goes away at once keeps what was said', () => {
  asked();
  window.dispatchEvent(new Event('pagehide'));
  expect(saved()).toEqual(['And 4 plus 4?']);
});

test('so does a page that is left at once', () => {
  asked().unmount();
  expect(saved()).toEqual(['And 4 plus 4?']);
});
