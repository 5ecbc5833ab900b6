// @vitest-environment jsdom
/** Asking a run: what is typed before it trains waits, and is not lost. */
import { fireEvent, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { RunState } from '../../../electron/shared/runs/events.ts';
import { mockRunSpec, mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import { AskTab } from '../../../renderer/src/features/monitor/AskTab.tsx';
import { openWindow } from './window.tsx';

const live = mockRuns.find(({ id }) => id === 'run-live');

function asking(state: RunState) {
  const asked: unknown[] = [];
  if (!live) throw new Error('the mock host has no run-live');
  openWindow(<AskTab status={{ ...live, state }} spec={mockRunSpec(live)} />, {
    topics: {
      'runs.ask': (params: unknown) => {
        asked.push(params);
        return () => {};
      },
    },
  });
  const box = screen.getByRole('textbox', { name: 'Prompt' }) as HTMLTextAreaElement;
  fireEvent.change(box, { target: { value: 'What is 2 plus 3?' } });
  fireEvent.keyDown(box, { key: 'Enter' });
  return { asked, box, send: screen.queryByRole('button', { name: 'Send' }) as HTMLButtonElement | null };
}

it.each<[RunState, RegExp]>([
  ['preparing', /once its training has started/],
  ['starting', /once its training has started/],
  ['stopping', /The run stops/],
])('a run that is %s is not asked, and says why', (state, why) => {
  const { asked, box, send } = asking(state);
  expect(asked).toEqual([]);
  expect(box.value).toBe('What is 2 plus 3?');
  expect(send?.disabled).toBe(true);
  expect(screen.getByText(why)).toBeDefined();
});

it('a run that trains is asked', () => {
  const { asked, box } = asking('running');
  expect(asked).toMatchObject([{ id: 'run-live', adapter: true }]);
  expect(box.value).toBe('');
});
