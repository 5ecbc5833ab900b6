// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import type { QueueItem, QueueState } from '../../../electron/shared/runs/queue.ts';
import { createMockClient } from '../../../renderer/src/client/mock/mock-client.ts';
import QueuePage from '../../../renderer/src/features/queue/QueuePage.tsx';
import { beforeAt, pushedBack, startText } from '../../../renderer/src/features/queue/queue-view.ts';
import { renderWithStore } from '../support/render.tsx';

const names = () => screen.getAllByRole('listitem').map((row) => row.querySelector('a')?.textContent);

function item(id: string, more: Partial<QueueItem> = {}): QueueItem {
  const facts = {
    id,
    name: id,
    lane: 'cpu',
    state: 'queued',
    reason: '',
    skipped: false,
    after: null,
    sweep: null,
  } as const;
  return { ...facts, mode: 'start', seconds: 60, memoryBytes: 1e9, startsInSeconds: 0, ...more };
}

describe('what the page says', () => {
  it.each<[Partial<QueueItem>, boolean, string]>([
    [{ startsInSeconds: 0 }, false, 'Next'],
    [{ startsInSeconds: 7200 }, false, 'In about 2 h'],
    [{ startsInSeconds: null }, false, 'After those before it'],
    [{ state: 'waiting', startsInSeconds: null }, false, 'Waiting'],
    [{ state: 'waiting', startsInSeconds: null }, true, 'Paused'],
  ])('of %o: %s', (facts, paused, text) => {
    expect(startText(item('a', facts), paused)).toBe(text);
  });

  it('finds the entry before which another has to go', () => {
    const items = [item('a'), item('b'), item('c')];
    expect(beforeAt(items, 'c', 0)).toBe('a');
    expect(beforeAt(items, 'a', 1)).toBe('c');
    expect(beforeAt(items, 'a', 2)).toBeNull();
  });

  it('counts what a direct start pushes back: the same device, and not what is skipped', () => {
    const items = [item('a'), item('b', { lane: 'cuda' }), item('c', { skipped: true })];
    const queue: QueueState = {
      ...{ items, going: [], totalSeconds: null },
      settings: { v: 1, paused: false, on_failure: 'continue' },
    };
    expect([pushedBack(queue, 'cpu'), pushedBack(queue, 'cuda'), pushedBack(null, 'cpu')]).toEqual([1, 1, 0]);
  });
});

describe('the page', () => {
  it('moves an entry with the arrow keys, and pauses', async () => {
    renderWithStore(<QueuePage />);
    const handle = await screen.findByRole('button', { name: /^Move .*DoRA r16, place 2 of 3/ });
    fireEvent.keyDown(handle, { key: 'ArrowUp' });
    await waitFor(() => expect(names()[0]).toContain('DoRA r16'));
    fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
    await screen.findByText('The queue is paused');
    fireEvent.click(screen.getByRole('button', { name: 'Continue' }));
    await waitFor(() => expect(screen.queryByText('The queue is paused')).toBeNull());
  });

  it('asks before it takes a run out, and says why the host refuses', async () => {
    const remove = vi.fn(() => {
      throw new Error('it has just started');
    });
    const { state } = renderWithStore(<QueuePage />, { methods: { 'queue.remove': remove } });
    fireEvent.click(await screen.findByRole('button', { name: /^Actions for .*LoRA r32/ }));
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Take out…' }));
    await screen.findByText(/has not begun: its settings are deleted with it/);
    fireEvent.click(screen.getByRole('button', { name: 'Take out' }));
    await waitFor(() => expect(JSON.stringify(state().notices)).toContain('it has just started'));
    expect(remove).toHaveBeenCalledTimes(1);
  });

  it('says what to do when nothing waits', async () => {
    const queue = await createMockClient().call('queue.get', {});
    renderWithStore(<QueuePage />, {
      topics: {
        queue: (_, emit) => {
          emit({ ...queue, items: [] });
          return () => {};
        },
      },
    });
    await screen.findByText('Nothing is waiting');
    expect(screen.getByRole('link', { name: 'New run' }).getAttribute('href')).toBe('#/compose');
  });
});
