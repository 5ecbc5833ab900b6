// @vitest-environment jsdom
/** Pictures of methods and optimizers: AdaLoRA's ranks, and what Sophia's look at the curvature costs. */
import { fireEvent, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { type EventPayload, eventPayloads, type RunStatus } from '../../../electron/shared/runs/events.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { mockRunEvents, mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import { RanksCard } from '../../../renderer/src/features/monitor/RanksCard.tsx';
import { highestRank, rankGrid, rankLines } from '../../../renderer/src/features/monitor/rank-grid.ts';
import { statTiles } from '../../../renderer/src/features/monitor/stat-tiles.ts';
import { EventScript } from '../../support/event-script.ts';
import { renderWithStore } from '../support/render.tsx';

const run = (id: string) => mockRuns.find((one) => one.id === id) as RunStatus;

function allocations() {
  const script = new EventScript();
  script.started();
  const modules = (q: number, down: number) => ({
    'model.layers.0.self_attn.q_proj': q,
    'model.layers.10.self_attn.q_proj': q - 1,
    'model.layers.2.mlp.down_proj': down,
  });
  for (const [step, q, down] of [
    [10, 12, 12],
    [20, 9, 4],
  ] as const) {
    script.step(step, 1);
    script.ranks(step, modules(q, down), 20);
  }
  return reduceEvents(emptySeries, script.events).ranks;
}

describe('the grid of ranks', () => {
  it('has a row for each module and a column for each layer, in the order of numbers', () => {
    expect(rankGrid(allocations()[1]?.modules ?? {})).toEqual({
      layers: [0, 2, 10],
      rows: [
        { module: 'q_proj', ranks: [9, null, 8] },
        { module: 'down_proj', ranks: [null, 4, null] },
      ],
    });
  });

  it('colours by the highest rank there ever was', () => {
    expect(highestRank(allocations())).toBe(12);
    expect(highestRank([])).toBe(1);
  });

  it('draws total and target over the chosen axis', () => {
    const [total, target] = rankLines(allocations(), 'step');
    expect([...(total?.x ?? [])]).toEqual([10, 20]);
    expect([...(total?.y ?? [])]).toEqual([35, 21]);
    expect([...(target?.y ?? [])]).toEqual([20, 20]);
  });
});

describe('the card of ranks', () => {
  it('shows the newest allocation, and any other by its slider', () => {
    renderWithStore(<RanksCard points={allocations()} />);
    const card = screen.getByRole('region', { name: 'Ranks of modules' });
    const cells = () =>
      within(within(card).getByRole('row', { name: /q_proj/ }))
        .getAllByRole('cell')
        .map((cell) => cell.textContent);
    expect(cells()).toEqual(['9', '', '8']);
    expect(card.textContent).toContain('step 20: 21 in all, target 20');
    fireEvent.keyDown(within(card).getByRole('slider', { name: 'Allocation of ranks' }), {
      key: 'ArrowLeft',
    });
    expect(cells()).toEqual(['12', '', '11']);
    expect(card.textContent).toContain('step 10: 35 in all');
  });
});

describe('the cost of the curvature', () => {
  it('is a tile of its own, only where there is such an estimate', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 1, { step_seconds: 1.5, curvature_seconds: 0.5 });
    script.step(2, 1, { step_seconds: 1 });
    script.step(3, 1, { step_seconds: 1.5, curvature_seconds: 0.3 });
    const tiles = statTiles(run('run-sophia'), reduceEvents(emptySeries, script.events));
    expect(tiles.at(-1)).toMatchObject({
      label: 'Curvature estimate',
      value: '0.4 s',
      note: '20% of the training time',
    });
    expect(tiles.at(-1)?.help).toContain('2 times');
    expect(statTiles(run('run-done'), emptySeries).map(({ label }) => label)).not.toContain(
      'Curvature estimate',
    );
  });
});

describe('made-up runs', () => {
  it.each(['run-adalora', 'run-sophia'])('%s holds to the contract of events', (id) => {
    const events = mockRunEvents(run(id));
    for (const { type, payload } of events) expect(eventPayloads[type].parse(payload)).toEqual(payload);
    const kinds = new Set(events.map(({ type }) => type));
    expect(kinds.has('ranks')).toBe(id === 'run-adalora');
    const estimates = events.filter(
      ({ type, payload }) =>
        type === 'step' && (payload as EventPayload<'step'>).metrics.curvature_seconds !== undefined,
    );
    expect(estimates.length > 0).toBe(id === 'run-sophia');
  });
});
