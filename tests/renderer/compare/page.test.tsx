// @vitest-environment jsdom
/** The page of a comparison over the mock host: from the list of runs to a saved comparison and a next run. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Shell } from '../../../renderer/src/app/Shell.tsx';
import { mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import { renderWithStore } from '../support/render.tsx';

const [first, second] = mockRuns;
if (!first || !second) throw new Error('the mock host has runs');
const address = `#/compare?runs=${first.id},${second.id}`;

// The page is loaded when it is opened; on a busy machine, reading all its modules takes longer than anything is waited for.
beforeAll(() => import('../../../renderer/src/features/compare/ComparePage.tsx'), 240_000);
beforeEach(() => localStorage.clear());

describe('a comparison', () => {
  it('tells the verdict, and the table what differs', async () => {
    location.hash = address;
    renderWithStore(<Shell />);
    const verdict = await screen.findByRole('region', { name: 'Verdict' });
    expect(within(verdict).getByText('Better')).toBeTruthy();
    expect(verdict.textContent).toContain('its loss is 0.1 nats lower');
    const table = await screen.findByRole('region', { name: 'Settings and results' });
    expect(within(table).getByRole('rowheader', { name: 'Learning rate' })).toBeTruthy();
    expect(within(table).queryByRole('rowheader', { name: 'Precision' })).toBeNull();
    fireEvent.click(within(table).getByRole('switch', { name: 'Only what differs' }));
    expect(await within(table).findByRole('rowheader', { name: 'Precision' })).toBeTruthy();
  });

  it('has another baseline when its star is pressed, and without a run that is taken out', async () => {
    location.hash = address;
    renderWithStore(<Shell />);
    const groups = await screen.findByRole('list', { name: 'Groups' });
    fireEvent.click(within(groups).getByRole('button', { name: `Baseline: ${second.name}` }));
    await waitFor(() => expect(location.hash).toContain(`baseline=${second.id}`));
    fireEvent.click(within(groups).getByRole('button', { name: `Actions for ${first.name}` }));
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Take out' }));
    await waitFor(() => expect(location.hash).not.toContain(first.id));
  });

  it('names runs that are gone, and offers others when none is left', async () => {
    location.hash = '#/compare?runs=gone';
    renderWithStore(<Shell />);
    await screen.findByText('No run is left in this comparison');
    expect(screen.getByText(/1 run of this comparison is not there any more: gone/)).toBeTruthy();
  });

  it('is saved under a name and an address of its own, and found among the saved ones', async () => {
    location.hash = address;
    const { client } = renderWithStore(<Shell />);
    fireEvent.click(await screen.findByRole('button', { name: 'Save…' }));
    fireEvent.change(await screen.findByLabelText('Name'), { target: { value: 'Two rates' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await screen.findByRole('heading', { level: 1, name: 'Two rates' });
    expect(location.hash).toMatch(/^#\/compare\/c\d+/);
    fireEvent.click(await screen.findByRole('button', { name: `Baseline: ${second.name}` }));
    await waitFor(() =>
      expect(client.calls.findLast(({ method }) => method === 'compare.save')?.params).toMatchObject({
        name: 'Two rates',
        view: { baseline: second.id },
      }),
    );
    location.hash = '#/compare';
    await screen.findByRole('link', { name: 'Two rates' });
  });

  it('puts another seed of a side into the queue, once', async () => {
    location.hash = address;
    const { client } = renderWithStore(<Shell />);
    const verdict = await screen.findByRole('region', { name: 'Verdict' });
    fireEvent.click(await within(verdict).findByRole('button', { name: 'Two more seeds of each…' }));
    const name = new RegExp(`^Add to the queue: ${second.name}, seed 1`);
    const button = await screen.findByRole('button', { name });
    await waitFor(() => expect(button.hasAttribute('disabled')).toBe(false));
    fireEvent.click(button);
    await waitFor(() => expect(button.textContent).toBe('In the queue'));
    expect(button.hasAttribute('disabled')).toBe(true);
    const added = client.calls.filter(({ method }) => method === 'queue.add');
    expect(added.map(({ params }) => params)).toMatchObject([{ spec: { seed: 1 } }]);
  });

  it('tells every set, tests by set and metric, and on which sets the best is worse', async () => {
    location.hash = address;
    renderWithStore(<Shell />);
    const verdict = await screen.findByRole('region', { name: 'Verdict' });
    expect(verdict.textContent).toContain('sums: its number match is 50 percentage points lower');
    fireEvent.click(await within(verdict).findByRole('button', { name: 'How it was tested' }));
    const tests = await within(verdict).findByRole('table', { name: `Tests of ${second.name}` });
    expect(within(tests).getByRole('rowheader', { name: 'Number match' })).toBeTruthy();
    const best = await screen.findByRole('toolbar', { name: 'The best so far' });
    expect(best.textContent).toContain('but worse on sums');
  });

  it('opens a row of a set with both answers, the words marked that differ', async () => {
    location.hash = `${address}&tab=examples&set=sums`;
    renderWithStore(<Shell />);
    const rows = await screen.findByRole('region', { name: 'Rows' });
    expect(screen.getByText(/is better on/).textContent).toContain('by Number match (higher is better)');
    fireEvent.click(within(rows).getByRole('button', { name: 'What is 1 plus 1?' }));
    const dialog = await screen.findByRole('dialog', { name: 'One row' });
    const before = await within(dialog).findByRole('region', { name: 'Answer of the baseline' });
    expect(before.querySelector('del')?.textContent).toBe('2');
    const after = within(dialog).getByRole('region', { name: 'Answer of the candidate' });
    expect(after.querySelector('ins')?.textContent).toBe('seven');
  });

  it('opens a row of a classification with the labels that were predicted', async () => {
    location.hash = `${address}&tab=examples&set=parity`;
    renderWithStore(<Shell />);
    const rows = await screen.findByRole('region', { name: 'Rows' });
    // Right and wrong are counted, not drawn.
    expect(screen.getByRole('region', { name: 'Accuracy of each row' })).toBeTruthy();
    fireEvent.click(within(rows).getByRole('button', { name: 'What is 1 plus 1?' }));
    const dialog = await screen.findByRole('dialog', { name: 'One row' });
    await within(dialog).findByText(/^odd \(80.*%\), right$/);
    expect(within(dialog).getByText(/^even \(80.*%\), wrong$/)).toBeTruthy();
  });

  it('goes on with a new run like the best', async () => {
    location.hash = address;
    const { state } = renderWithStore(<Shell />);
    const best = await screen.findByRole('toolbar', { name: 'The best so far' });
    fireEvent.click(within(best).getByRole('button', { name: 'New run like this' }));
    await waitFor(() => expect(location.hash).toBe('#/compose'));
    expect(state().draft).toMatchObject({ method: { type: expect.any(String) } });
  });
});

it('without runs, the page offers to choose them', async () => {
  location.hash = '#/compare';
  renderWithStore(<Shell />);
  await screen.findByText('Choose runs', { selector: 'p' });
  expect(screen.getByRole('button', { name: 'Compare' }).hasAttribute('disabled')).toBe(true);
});
