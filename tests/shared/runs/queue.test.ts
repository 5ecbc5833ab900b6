import { describe, expect, it } from 'vitest';
import { newStatus } from '../../../electron/server/runs/rebuild.ts';
import type { RunState, RunStatus } from '../../../electron/shared/runs/events.ts';
import {
  type Going,
  lineOf,
  type Machine,
  placeBefore,
  type Queued,
  type QueueEntry,
  queueSettingsSchema,
  workAhead,
} from '../../../electron/shared/runs/queue.ts';

const settings = queueSettingsSchema.parse({});
const roomy: Machine = { memory: () => ({ freeBytes: 20e9, totalBytes: 24e9 }) };

function queued(id: string, order: number, entry: Partial<QueueEntry> = {}, lane = 'cpu'): Queued {
  return {
    lane,
    status: { ...newStatus(id, id.toUpperCase()), state: 'queued' },
    entry: {
      ...{ v: 1, queuedAt: '2026-01-01T00:00:00Z', order, mode: 'start', after: null, skipped: false },
      ...{
        recovered: 0,
        data: {},
        forecast: { seconds: 100, memoryBytes: 2e9 },
        before: null,
        sweep: null,
        pauseAt: null,
        plateau: null,
        pastBudget: false,
      },
      ...entry,
    },
  };
}

const going = (lane: string, etaSeconds: number | null): Going => ({
  id: 'live',
  name: 'Live',
  lane,
  etaSeconds,
});
const line = (entries: Queued[], live: Going[] = [], more: Partial<RunStatus>[] = [], machine = roomy) => {
  const others = more.map((status) => ({ ...newStatus('x', 'X'), ...status }));
  const statuses = [...entries.map(({ status }) => status), ...others];
  return lineOf(entries, live, settings, new Map(statuses.map((status) => [status.id, status])), machine);
};
const starts = ({ state }: ReturnType<typeof line>) =>
  Object.fromEntries(state.items.map(({ id, startsInSeconds }) => [id, startsInSeconds]));

describe('the line', () => {
  it('says what all take together, those that wait included, and skipped ones not', () => {
    const forecast = { seconds: 50, memoryBytes: 3e9 };
    const entries = [
      queued('a', 1, { after: 'b' }),
      queued('b', 2, { forecast }),
      queued('c', 3, { skipped: true }),
    ];
    expect(workAhead(line(entries).state.items)).toEqual({ seconds: 150, memoryBytes: 3e9 });
    const unknown = queued('d', 4, { forecast: { seconds: null, memoryBytes: null } });
    expect(workAhead(line([...entries, unknown]).state.items).seconds).toBeNull();
    expect(workAhead([])).toEqual({ seconds: 0, memoryBytes: null });
  });

  it('starts the first of every lane that is free', () => {
    const entries = [queued('b', 2), queued('a', 1), queued('g', 3, {}, 'cuda')];
    const found = line(entries);
    expect(found.state.items.map(({ id }) => id)).toEqual(['a', 'b', 'g']);
    expect(found.next).toEqual(['a', 'g']);
    expect(line(entries, [going('cpu', 50)]).next).toEqual(['g']);
  });

  it('adds up the time until each starts, lane by lane, behind what runs', () => {
    const entries = [queued('a', 1), queued('g', 2, {}, 'cuda'), queued('b', 3), queued('c', 4)];
    const found = line(entries, [going('cpu', 50)]);
    expect(starts(found)).toEqual({ a: 50, g: 0, b: 150, c: 250 });
    expect(found.state.totalSeconds).toBe(350);
  });

  it('gives no time that nobody knows', () => {
    const unknown = queued('a', 1, { forecast: { seconds: null, memoryBytes: null } });
    const found = line([unknown, queued('b', 2)]);
    expect(starts(found)).toEqual({ a: 0, b: null });
    expect(found.state.totalSeconds).toBeNull();
    expect(starts(line([queued('b', 2)], [going('cpu', null)]))).toEqual({ b: null });
  });

  it('passes over what is skipped, without counting its time', () => {
    const found = line([queued('a', 1, { skipped: true }), queued('b', 2)]);
    expect(found.next).toEqual(['b']);
    expect(found.state.items[0]).toMatchObject({ state: 'waiting', startsInSeconds: null });
    expect(starts(found)).toEqual({ a: null, b: 0 });
  });

  it.each<[RunState, string | null]>([
    ['running', 'It starts after X.'],
    ['completed', null],
    ['failed', 'It starts after X, which has failed. Resume that, or let this one start without.'],
    ['stopped', 'It starts after X, which has been stopped. Resume that, or let this one start without.'],
  ])('waits for a run that is %s', (state, reason) => {
    const found = line([queued('a', 1, { after: 'x' })], [], [{ id: 'x', state }]);
    expect(found.state.items[0]).toMatchObject({
      state: reason ? 'waiting' : 'queued',
      reason: reason ?? '',
    });
    expect(found.next).toEqual(reason ? [] : ['a']);
  });

  it('says that the run it waits for is gone', () => {
    expect(line([queued('a', 1, { after: 'gone' })]).state.items[0]?.reason).toContain('gone, which is gone');
  });

  it('waits for memory that others hold, not for memory that the machine has not', () => {
    const full: Machine = { memory: () => ({ freeBytes: 1e9, totalBytes: 24e9 }) };
    const found = line([queued('a', 1)], [], [], full);
    expect(found.next).toEqual([]);
    expect(found.state.items[0]?.reason).toBe('It needs 2.0 GB of memory; 1.0 GB are free now.');
    const huge = queued('a', 1, { forecast: { seconds: 1, memoryBytes: 99e9 } });
    expect(line([huge], [], [], full).next).toEqual(['a']);
  });

  it('starts nothing while it is paused', () => {
    const entry = queued('a', 1);
    const statuses = new Map([[entry.status.id, entry.status]]);
    const found = lineOf([entry], [], { ...settings, paused: true }, statuses, roomy);
    expect([found.next, found.state.items[0]?.reason]).toEqual([[], 'The queue is paused.']);
  });
});

describe('places in line', () => {
  const entries = [queued('a', 0), queued('b', 1), queued('c', 2)];
  it('lie between their neighbours', () => {
    expect(placeBefore(entries, 'c', 'b')).toBe(0.5);
    expect(placeBefore(entries, 'c', 'a')).toBe(-1);
    expect(placeBefore(entries, 'a', null)).toBe(3);
    expect(placeBefore([], 'a', null)).toBe(0);
  });

  it('run out between two that lie too close', () => {
    const close = [queued('a', 1), queued('b', 1 + Number.EPSILON), queued('c', 2)];
    expect(placeBefore(close, 'c', 'b')).toBeNull();
  });
});
