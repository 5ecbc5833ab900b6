// @vitest-environment jsdom
/** Ctrl+K: what it finds, and that the keyboard alone gets there. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { type FinderLibrary, find } from '../../../renderer/src/app/finder-entries.ts';
import { Shell } from '../../../renderer/src/app/Shell.tsx';
import { mockDatasets, mockModels } from '../../../renderer/src/client/mock/mock-data.ts';
import { mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import { renderWithStore } from '../support/render.tsx';

const library: FinderLibrary = {
  runs: Object.fromEntries(mockRuns.map((run) => [run.id, run])),
  models: mockModels,
  datasets: mockDatasets,
};
const labels = (query: string, from = library) =>
  Object.fromEntries(find(query, from).map(({ kind, entries }) => [kind, entries.map((e) => e.label)]));

describe('finding', () => {
  it('shows every page and a few of each kind before anything is typed', () => {
    const found = labels('');
    expect(found.page).toEqual([
      'Home',
      'Models',
      'Datasets',
      'New run',
      'Queue',
      'Sweeps',
      'Runs',
      'Compare',
      'Studies',
      'Playground',
      'Machine',
      'Settings',
    ]);
    expect(found.run).toHaveLength(5);
    expect(found.model).toHaveLength(3);
  });

  it('takes every word in any order, in names, paths and other words for the same', () => {
    expect(labels('adalora larkspur').run).toEqual(['Larkspur support, AdaLoRA r8']);
    expect(labels('failed').run).toEqual(['Full, learning rate 3e-3']);
    expect(labels('compose').page).toEqual(['New run']);
    expect(labels('gpu').page).toEqual(['Machine']);
    expect(labels('downloads smol')).toEqual({ model: ['SmolLM2-135M-Instruct'] });
    expect(labels('stars')).toEqual({ dataset: ['reviews'] });
    expect(labels('no such thing')).toEqual({});
  });

  it('puts names that begin with the query first, and says how many more there are', () => {
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => {
        const run = { ...mockRuns[2], id: `r${i}`, name: i === 150 ? 'Run of mine' : `The run ${i}` };
        return [run.id, run as (typeof mockRuns)[number]];
      }),
    );
    const group = find('run', { ...library, runs: many }).find(({ kind }) => kind === 'run');
    expect(group?.entries[0]?.label).toBe('Run of mine');
    expect(group?.entries).toHaveLength(12);
    expect(group?.more).toBe(188);
  });
});

describe('Ctrl+K', () => {
  it('opens the search, and Enter goes to what is found', async () => {
    location.hash = '#/models';
    renderWithStore(<Shell />);
    fireEvent.keyDown(document.documentElement, { key: 'k', code: 'KeyK', ctrlKey: true });
    const search = await screen.findByRole('textbox', { name: /^Find a page, run/ });
    fireEvent.change(search, { target: { value: 'full, learning' } });
    const found = search.closest('[role="dialog"]') as HTMLElement;
    await within(found).findByText('Full, learning rate 3e-3');
    fireEvent.keyDown(search, { key: 'ArrowDown', code: 'ArrowDown' });
    fireEvent.keyDown(search, { key: 'Enter', code: 'Enter' });
    await waitFor(() => expect(location.hash).toBe('#/runs/run-failed'));
  });

  it('does what has no page: imports', async () => {
    location.hash = '#/runs';
    renderWithStore(<Shell />);
    fireEvent.click(screen.getByRole('button', { name: /^Find/ }));
    const search = await screen.findByRole('textbox', { name: /^Find a page, run/ });
    fireEvent.change(search, { target: { value: 'import data' } });
    const found = search.closest('[role="dialog"]') as HTMLElement;
    fireEvent.click(await within(found).findByText('Import a dataset'));
    await screen.findByRole('dialog', { name: 'Import dataset' });
  });
});
