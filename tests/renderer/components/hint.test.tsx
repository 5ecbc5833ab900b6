// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { Hint } from '../../../renderer/src/components/Hint.tsx';
import { renderWithStore } from '../support/render.tsx';

it('is there while the pointer rests on its element, which stays the same', async () => {
  const enter = vi.fn();
  renderWithStore(
    <Hint label="Opens New run with these settings">
      <button type="button" onPointerEnter={enter}>
        Duplicate
      </button>
    </Hint>,
  );
  const button = screen.getByRole('button', { name: 'Duplicate' });
  expect(screen.queryByText('Opens New run with these settings')).toBeNull();
  fireEvent.pointerEnter(button, { pointerType: 'mouse' });
  expect(await screen.findByText('Opens New run with these settings')).toBeTruthy();
  expect(enter).toHaveBeenCalledOnce();
  expect(screen.getByRole('button', { name: 'Duplicate' })).toBe(button);
  const described = button.getAttribute('aria-describedby') ?? '';
  expect(document.getElementById(described)?.textContent).toBe('Opens New run with these settings');
  fireEvent.pointerLeave(button, { pointerType: 'mouse' });
  await waitFor(() => expect(button.getAttribute('aria-describedby')).toBeNull());
  await waitFor(() => expect(screen.queryByText('Opens New run with these settings')).toBeNull());
});

it('closes with Escape, and is not there where there is nothing to say', async () => {
  renderWithStore(
    <>
      <Hint label="Fits the axis">
        <button type="button">Outliers</button>
      </Hint>
      <Hint label="">
        <button type="button">Export</button>
      </Hint>
    </>,
  );
  const button = screen.getByRole('button', { name: 'Outliers' });
  fireEvent.pointerEnter(button, { pointerType: 'mouse' });
  await screen.findByText('Fits the axis');
  fireEvent.keyDown(button, { key: 'Escape' });
  await waitFor(() => expect(screen.queryByText('Fits the axis')).toBeNull());
  fireEvent.pointerEnter(screen.getByRole('button', { name: 'Export' }), { pointerType: 'mouse' });
  expect(screen.queryByRole('tooltip')).toBeNull();
});
