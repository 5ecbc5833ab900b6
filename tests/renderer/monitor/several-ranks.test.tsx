// @vitest-environment jsdom
/** A run of several ranks in the monitor: its processes, its restarts, and the timeline of its pipeline. */
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { RunStatus, RunTimeline } from '../../../electron/shared/runs/events.ts';
import { bubbleShare, parallelSchema } from '../../../electron/shared/spec/parallel-fields.ts';
import { mockTimeline, pipelineSpans } from '../../../renderer/src/client/mock/mock-parallel.ts';
import { mockRunSpec, mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import MonitorPage from '../../../renderer/src/features/monitor/MonitorPage.tsx';
import { restartText } from '../../../renderer/src/features/monitor/ranks/RestartNotice.tsx';
import {
  formatMicroseconds,
  measuredBubble,
  timelineView,
} from '../../../renderer/src/features/monitor/ranks/timeline-view.ts';
import { openWindow } from './window.tsx';

const run = mockRuns.find(({ id }) => id === 'run-parallel') as RunStatus;
const spec = mockRunSpec(run);

const span = (kind: 'forward' | 'backward', begin_us: number, end_us: number, micro_batch = 0) => ({
  kind,
  micro_batch,
  chunk: 0,
  begin_us,
  end_us,
});

describe('the bubble', () => {
  it.each([
    [2, 8],
    [4, 8],
    [4, 16],
    [1, 4],
  ])('of %i equal stages and %i micro-batches is what theory says', (stages, count) => {
    const parallel = parallelSchema.parse({ pp_size: stages });
    const ranks = pipelineSpans(stages, count).map((spans, rank) => ({ rank, stepUs: 1, spans }));
    expect(measuredBubble(ranks, parallel)).toBeCloseTo(bubbleShare(parallel, count), 10);
  });

  it('counts every pipeline for itself: another that began later is not waiting', () => {
    const parallel = parallelSchema.parse({ dp_size: 2, pp_size: 2 });
    const early = [span('forward', 0, 10), span('backward', 10, 30)];
    const late = early.map((one) => ({ ...one, begin_us: one.begin_us + 50, end_us: one.end_us + 50 }));
    const ranks = [early, late, early, late].map((spans, rank) => ({ rank, stepUs: 80, spans }));
    expect(measuredBubble(ranks, parallel)).toBe(0);
    // Stage 1 of the first copy computes half of the time.
    const half = ranks.map((one) => (one.rank === 2 ? { ...one, spans: [span('forward', 0, 15)] } : one));
    expect(measuredBubble(half, parallel)).toBeCloseTo(15 / 120);
  });

  it('is unknown without spans, or without all stages', () => {
    const parallel = parallelSchema.parse({ pp_size: 2 });
    expect(measuredBubble([{ rank: 0, stepUs: 1, spans: [] }], parallel)).toBeNull();
    expect(measuredBubble([{ rank: 0, stepUs: 9, spans: [span('forward', 0, 9)] }], parallel)).toBeNull();
  });

  it('shrinks with chunks: interleaved 1F1B', () => {
    expect(bubbleShare(parallelSchema.parse({ pp_size: 4, pipeline_chunks: 2, dp_size: 2 }), 8)).toBe(3 / 19);
  });
});

describe('a timeline', () => {
  it('is drawn over the longest step of a rank', () => {
    const ranks = [
      { rank: 0, stepUs: 80, spans: [span('forward', 0, 20)] },
      { rank: 1, stepUs: 100, spans: [span('forward', 20, 40), span('backward', 50, 90)] },
    ];
    const view = timelineView({ step: 1, newest: 1, ranks }, parallelSchema.parse({ pp_size: 2 }));
    expect(view.stepUs).toBe(100);
    expect(view.rows[1]).toMatchObject({ rank: 1, stage: 1, forward: 1, backward: 1, busyShare: 0.6 });
    expect(view.rows[1]?.spans[1]).toMatchObject({ left: 50, width: 40 });
  });

  it.each([
    [0, '0 µs'],
    [850, '850 µs'],
    [12_345, '12.3 ms'],
    [999_400, '999 ms'],
    [999_600, '1 s'],
    [1_940_000, '1.94 s'],
  ])('%i microseconds read %s', (us, text) => {
    expect(formatMicroseconds(us)).toBe(text);
  });
});

function open(topics = {}, methods = {}) {
  location.hash = '#/runs/run-parallel?tab=ranks';
  return openWindow(<MonitorPage id="run-parallel" />, { topics, methods });
}
const cells = (row: HTMLElement) =>
  within(row)
    .getAllByRole('cell')
    .map((cell) => cell.textContent);
const table = () => screen.findByRole('table', { name: 'Ranks' });

describe('the ranks of a run', () => {
  it('are listed with place, process, step time, waiting and memory', async () => {
    open();
    const rows = within(await table())
      .getAllByRole('row')
      .slice(1);
    expect(rows).toHaveLength(8);
    expect(cells(rows[5] as HTMLElement)).toEqual([
      'Alive',
      '1',
      '0',
      '1',
      '41505 on workstation',
      '131',
      '1.94 s',
      '20%',
      '413 MiB',
      '466 MiB',
    ]);
    expect(
      screen.getByLabelText('Rank 5: stage 1, data-parallel copy 0, tensor-parallel part 1; alive'),
    ).not.toBeNull();
  });

  it('say what their waiting is, and what is not in it', async () => {
    open();
    const head = within(await table()).getByRole('columnheader', { name: 'Waiting for stages' });
    expect(head).not.toBeNull();
    expect(screen.getByText(/add up counts as computing\.$/)).not.toBeNull();
  });

  it('are drawn on the hosts that a batch system gave them', async () => {
    const { client } = open();
    await table();
    const ranks = run.ranks.map((rank) => ({ ...rank, host: rank.rank < 4 ? 'node1' : 'node2' }));
    act(() => client.emit('runs.status', { ...run, ranks }));
    const second = within(await screen.findByRole('list', { name: 'Ranks on node2' }));
    expect(second.getAllByRole('listitem')).toHaveLength(4);
    expect(second.getByLabelText(/^Rank 4:/)).not.toBeNull();
  });

  it('show at once which one is gone', async () => {
    const { client } = open();
    await table();
    const ranks = run.ranks.map((rank) => (rank.rank === 3 ? { ...rank, state: 'gone' as const } : rank));
    act(() => client.emit('runs.status', { ...run, ranks }));
    const rows = within(await table())
      .getAllByRole('row')
      .slice(1);
    await waitFor(() => expect(cells(rows[3] as HTMLElement)[0]).toBe('Gone'));
    expect(screen.getByLabelText(/^Rank 3: .*; its process is gone$/)).not.toBeNull();
  });

  it('have no tab in a run of one', async () => {
    location.hash = '#/runs/run-live?tab=ranks';
    openWindow(<MonitorPage id="run-live" />);
    await screen.findByRole('tab', { name: 'Charts' });
    expect(screen.queryByRole('tab', { name: 'Ranks' })).toBeNull();
  });
});

describe('the timeline of a run', () => {
  it('tells of each rank what it did, and the bubble beside what theory says', async () => {
    open();
    const card = await screen.findByRole('region', { name: 'Timeline of the pipeline' });
    const row = await within(card).findByLabelText(/^Rank 7, stage 1: 8 forward and 8 backward passes/);
    expect(within(row).getByTitle('Forward of micro-batch 0: 61 ms to 122 ms')).not.toBeNull();
    expect(card.textContent).toMatch(/Bubble: 11% measured, 11% in theory/);
  });

  it('follows the run, or stays at the step that is looked at', async () => {
    const asked: (number | null | undefined)[] = [];
    const methods = {
      'runs.timeline': ({ step }: { step?: number | null }): RunTimeline | null => {
        asked.push(step);
        return mockTimeline(spec, 131 + asked.length, step ?? null);
      },
    };
    const { client } = open({}, methods);
    const card = await screen.findByRole('region', { name: 'Timeline of the pipeline' });
    await within(card).findByText('Step 132');
    act(() => client.emit('runs.status', { ...run, step: 132 }));
    await within(card).findByText('Step 133');
    fireEvent.click(within(card).getByRole('button', { name: 'Step before' }));
    await within(card).findByText('Step 132');
    const before = asked.length;
    act(() => client.emit('runs.status', { ...run, step: 140 }));
    fireEvent.click(within(card).getByRole('button', { name: 'Newest' }));
    await within(card).findByText(`Step ${131 + asked.length}`);
    expect(asked.slice(before)).toEqual([null]);
  });

  it('shows every answer, however slow: one question at a time, and again when the run has got further', async () => {
    const answers: ((timeline: RunTimeline) => void)[] = [];
    const methods = {
      'runs.timeline': () => new Promise<RunTimeline>((resolve) => answers.push(resolve)),
    };
    const { client } = open({}, methods);
    await waitFor(() => expect(answers).toHaveLength(1));
    for (const step of [140, 141, 142]) act(() => client.emit('runs.status', { ...run, step }));
    expect(answers).toHaveLength(1);
    answers[0]?.(mockTimeline(spec, 131, null) as RunTimeline);
    expect(await screen.findByText('Step 131')).not.toBeNull();
    await waitFor(() => expect(answers).toHaveLength(2));
    answers[1]?.(mockTimeline(spec, 142, null) as RunTimeline);
    expect(await screen.findByText('Step 142')).not.toBeNull();
    expect(answers).toHaveLength(2);
  });

  it('says why it cannot be read', async () => {
    const methods = {
      'runs.timeline': () => {
        throw new Error('the disk is gone');
      },
    };
    open({}, methods);
    expect(await screen.findByText(/the disk is gone/)).not.toBeNull();
  });
});

describe('a restart', () => {
  it('is told with its number, its step and its reason', async () => {
    open();
    const title =
      'Attempt 2, restart 1 of 2: continued from step 80 because rank 5 (process 41327 on workstation) was ended by signal 9 (Killed).';
    expect(await screen.findByText(title)).not.toBeNull();
  });

  it('is counted apart from resumes by hand', async () => {
    const [first] = run.restarts;
    if (!first) throw new Error('no restart');
    const second = { ...first, at: '2026-01-02T00:00:00.000Z', checkpoint: 'step-00000090' };
    const { client } = open();
    await screen.findByText(/^Attempt 2, restart 1 of 2/);
    act(() => client.emit('runs.status', { ...run, attempt: 6, restarts: [first, second] }));
    expect(await screen.findByText(/^Attempt 6, restart 2 of 2: continued from step 90/)).not.toBeNull();
    expect(screen.getByText(/^Attempt 5, restart 1 of 2: continued from step 80/)).not.toBeNull();
  });

  it('from nothing says so', () => {
    const [restart] = run.restarts;
    if (!restart) throw new Error('no restart');
    expect(restartText({ ...restart, checkpoint: null })).toMatch(/^began again at step 0 because rank 5/);
  });
});
