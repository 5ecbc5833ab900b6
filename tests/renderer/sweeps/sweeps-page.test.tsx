// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { mockQueue } from '../../../renderer/src/client/mock/mock-queue.ts';
import { mockSweeps, shownSweeps } from '../../../renderer/src/client/mock/mock-sweeps.ts';
import RunsPage from '../../../renderer/src/features/runs/RunsPage.tsx';
import SweepsPage from '../../../renderer/src/features/sweeps/SweepsPage.tsx';
import { newSetting, newSweepDraft } from '../../../renderer/src/store/sweep-draft.ts';
import { openWindow } from '../monitor/window.tsx';

const RATE = 'optimizer.learning_rate';
const methods = () => mockSweeps(mockQueue().addAll, shownSweeps);

describe('making a sweep', () => {
  it('shows every point, then queues all of them', async () => {
    const { client, handle } = openWindow(<SweepsPage id="new" part={null} />, { methods: methods() });
    expect(await screen.findByText('Choose a setting to sweep.')).toBeDefined();
    const settings = [{ ...newSetting(RATE, null), values: ['1e-4', '2e-4'] }];
    handle.store
      .getState()
      .changeSweepDraft({ ...newSweepDraft(), name: 'Mine', settings, seeds: ['1', '2', '3'] });
    const queue = await screen.findByRole('button', { name: 'Queue all 6 runs' }, { timeout: 45_000 });
    expect(within(screen.getByRole('region', { name: 'All points' })).getAllByRole('row')).toHaveLength(3);
    expect(screen.getByText('about 6 h')).toBeDefined();
    await waitFor(() => expect(queue.hasAttribute('disabled')).toBe(false));
    fireEvent.click(queue);
    await waitFor(() => expect(location.hash).toMatch(/^#\/sweeps\/sweep-/));
    const { params } = client.calls.find(({ method }) => method === 'sweeps.add') ?? {};
    expect(params).toMatchObject({ leave_out: false, sweep: { name: 'Mine', seeds: [1, 2, 3] } });
  });

  it('names points that cannot be run, and leaves them out only when asked to', async () => {
    const answers = methods();
    const issue = {
      path: 'method.rank',
      code: 'invalid',
      message: 'Too large.',
      received: 9,
      suggestion: '',
    };
    const { handle } = openWindow(<SweepsPage id="new" part={null} />, {
      methods: {
        ...answers,
        'sweeps.preview': async (params) => {
          const preview = await answers['sweeps.preview'](params);
          return {
            ...preview,
            runs: 1,
            points: preview.points.map((one, k) => ({ ...one, issues: k === 0 ? [issue] : [] })),
          };
        },
      },
    });
    const settings = [{ ...newSetting(RATE, null), values: ['1e-4', '2e-4'] }];
    handle.store.getState().changeSweepDraft({ ...newSweepDraft(), name: 'Mine', settings });
    expect(await screen.findByText('Rank: Too large.')).toBeDefined();
    const queue = screen.getByRole('button', { name: 'Queue all 1 run' });
    expect(queue.hasAttribute('disabled')).toBe(true);
    fireEvent.click(screen.getByRole('checkbox', { name: 'Leave out the point that cannot be run' }));
    expect(queue.hasAttribute('disabled')).toBe(false);
  });

  it('adds what is not there yet to a sweep', async () => {
    const { client } = openWindow(<SweepsPage id="sweep-rates" part="add" />, { methods: methods() });
    expect(await screen.findByText('2 runs there already')).toBeDefined();
    fireEvent.click(screen.getByRole('radio', { name: 'Range' }));
    for (const [label, value] of [
      ['Learning rate: from', '1e-4'],
      ['Learning rate: to', '8e-4'],
    ] as const)
      fireEvent.change(screen.getByRole('textbox', { name: label }), { target: { value } });
    const queue = await screen.findByRole('button', { name: 'Queue all 2 runs' });
    await waitFor(() => expect(queue.hasAttribute('disabled')).toBe(false));
    fireEvent.click(queue);
    await waitFor(() => expect(location.hash).toBe('#/sweeps/sweep-rates'));
    expect(client.calls.find(({ method }) => method === 'sweeps.extend')?.params).toMatchObject({
      id: 'sweep-rates',
    });
  });
});

describe('the budget of a sweep', () => {
  it('is shown, and can be raised without new points', async () => {
    const { client } = openWindow(<SweepsPage id="sweep-rates" part="add" />, { methods: methods() });
    const hours = await screen.findByRole('textbox', { name: 'Budget, in hours' });
    expect((hours as HTMLInputElement).value).toBe('12');
    expect(screen.queryByRole('button', { name: 'Change the sweep' })).toBeNull();
    fireEvent.change(hours, { target: { value: '24' } });
    const change = await screen.findByRole('button', { name: 'Change the sweep' });
    await waitFor(() => expect(change.hasAttribute('disabled')).toBe(false));
    fireEvent.click(change);
    await waitFor(() => expect(location.hash).toBe('#/sweeps/sweep-rates'));
    expect(client.calls.find(({ method }) => method === 'sweeps.extend')?.params).toMatchObject({
      sweep: { budget: { hours: 24, tokens: 600_000 } },
    });
  });

  it('says that it is spent, and where to add to it', async () => {
    const answers = methods();
    const budget = { hours: 2, tokens: null, spent: { hours: 2.1, tokens: 9000 }, over: true };
    openWindow(<SweepsPage id="sweep-rates" part={null} />, {
      methods: {
        ...answers,
        'sweeps.list': async (params) =>
          (await answers['sweeps.list'](params)).map((one) => ({ ...one, budget })),
      },
    });
    const line = await screen.findByRole('region', { name: 'Budget' });
    expect(line.textContent).toContain('2.1 of 2 hours');
    expect(line.textContent).toContain('It is spent');
    expect(within(line).getByRole('link', { name: 'Add to it' }).getAttribute('href')).toBe(
      '#/sweeps/sweep-rates/add',
    );
  });
});

describe('a sweep', () => {
  it('shows its best point, and promotes it', async () => {
    openWindow(<SweepsPage id="sweep-rates" part={null} />, { methods: methods() });
    const best = await screen.findByRole('toolbar', { name: 'The best point' });
    await waitFor(() => expect(best.textContent).toContain('learning rate 4e-4, loss 0.9800'));
    fireEvent.click(within(best).getByRole('button', { name: 'Promote to a full run' }));
    await waitFor(() => expect(location.hash).toBe('#/compose'));
  });

  it('is one row in Runs, which opens', async () => {
    openWindow(<RunsPage />, { methods: methods() });
    const open = await screen.findByRole('button', { name: 'Runs of Rates' });
    expect(screen.queryByRole('link', { name: /Sophia/ })).toBeNull();
    fireEvent.click(open);
    expect(await screen.findByRole('link', { name: /Sophia/ })).toBeDefined();
    fireEvent.click(screen.getByRole('checkbox', { name: 'Select all runs of Rates' }));
    expect(screen.getByText('2 runs selected')).toBeDefined();
  });
});
