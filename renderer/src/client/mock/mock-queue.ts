/** The mock host's queue: three entries behind the live run, changed as the real one changes them. */
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import {
  lineOf,
  placeBefore,
  type Queued,
  type QueueSettings,
  type QueueState,
} from '../../../../electron/shared/runs/queue.ts';
import type { Handlers } from './mock-client.ts';
import { mockRuns } from './mock-runs.ts';

const HOUR = 3600;

export interface MockQueue {
  methods: Pick<Handlers, Extract<keyof Handlers, `queue.${string}`>>;
  watch(emit: (state: QueueState) => void): () => void;
  /** Puts runs of these names in line. Returns their ids. */
  addAll(names: readonly string[]): string[];
}

function entry(id: string, name: string, order: number, seconds: number, lane = 'cpu'): Queued {
  const [first] = mockRuns;
  if (!first) throw new Error('the mock has no runs');
  const status: RunStatus = { ...first, id, name, state: 'queued', phase: 'In the queue', step: 0 };
  return {
    lane,
    status,
    entry: {
      ...{
        v: 1,
        queuedAt: status.createdAt,
        order,
        mode: 'start',
        after: null,
        skipped: false,
        recovered: 0,
      },
      ...{
        data: {},
        forecast: { seconds, memoryBytes: 2.1e9 },
        before: null,
        sweep: null,
        pauseAt: null,
        plateau: null,
        pastBudget: false,
      },
    },
  };
}

export function mockQueue(): MockQueue {
  let queued = [
    entry('queued-a', 'SmolLM2 on recipes, LoRA r32', 0, 1.4 * HOUR),
    entry('queued-b', 'SmolLM2 on recipes, DoRA r16', 1, 1.9 * HOUR),
    entry('queued-c', 'SmolLM2 on support tickets, full fine-tuning', 2, 5.2 * HOUR),
  ];
  let settings: QueueSettings = { v: 1, paused: false, on_failure: 'continue' };
  const listeners = new Set<(state: QueueState) => void>();
  const state = () => {
    const going = mockRuns
      .filter((run) => run.state === 'running')
      .map(({ id, name, etaSeconds }) => ({ id, name, lane: 'cpu', etaSeconds }));
    const known = [...mockRuns, ...queued.map(({ status }) => status)];
    const statuses = new Map(known.map((status) => [status.id, status]));
    return lineOf(queued, going, settings, statuses, { memory: () => null }).state;
  };
  const changed = () => {
    for (const listener of listeners) listener(state());
    return {};
  };
  const change = (id: string, part: Partial<Queued['entry']>) => {
    queued = queued.map((one) => (one.status.id === id ? { ...one, entry: { ...one.entry, ...part } } : one));
    return changed();
  };
  const remove = (id: string) => {
    queued = queued.filter(({ status }) => status.id !== id);
    return changed();
  };
  return {
    methods: {
      'queue.get': state,
      'queue.add': () => {
        const id = `queued-${queued.length + 1}`;
        queued = [...queued, entry(id, 'Another run', queued.length + 1, HOUR)];
        changed();
        return { id };
      },
      'queue.retry': () => changed(),
      'queue.move': ({ id, before }) => change(id, { order: placeBefore(queued, id, before) ?? 0 }),
      'queue.change': ({ id, skipped, after }) =>
        change(id, {
          ...(skipped === undefined ? {} : { skipped }),
          ...(after === undefined ? {} : { after }),
        }),
      'queue.set': ({ paused, on_failure }) => {
        settings = {
          v: 1,
          paused: paused ?? settings.paused,
          on_failure: on_failure ?? settings.on_failure,
        };
        return changed();
      },
      'queue.remove': ({ id }) => remove(id),
      'queue.startNow': ({ id }) => remove(id),
    },
    addAll(names) {
      const added = names.map((name, i) =>
        entry(`queued-${queued.length + i + 1}`, name, queued.length + i, HOUR),
      );
      queued = [...queued, ...added];
      changed();
      return added.map(({ status }) => status.id);
    },
    watch(emit) {
      emit(state());
      listeners.add(emit);
      return () => listeners.delete(emit);
    },
  };
}
