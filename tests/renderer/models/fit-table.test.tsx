// @vitest-environment jsdom
/** What a model takes with each method, in its card. */
import { screen, within } from '@testing-library/react';
import { expect, it } from 'vitest';
import { methodTypes } from '../../../electron/shared/spec/methods.ts';
import { FitTable } from '../../../renderer/src/features/models/FitTable.tsx';
import { renderWithStore } from '../support/render.tsx';

it('names each method with its memory and verdict, and why one cannot be had', async () => {
  renderWithStore(<FitTable id="llama-3.2-1b-instruct" />);
  const table = await screen.findByRole('table');
  const rows = within(table).getAllByRole('row');
  expect(rows).toHaveLength(methodTypes.length);
  expect(rows[0]?.textContent).toBe('LoRA3.0 GiBFits');
  expect(within(table).getAllByText('Does not fit').length).toBeGreaterThan(0);
  expect(rows.at(-1)?.textContent).toContain('cannot be trained with it');
  expect(screen.getByText(/of 16(\.0)? GiB on NVIDIA L4/)).toBeTruthy();
});
