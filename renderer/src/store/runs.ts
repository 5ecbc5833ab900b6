/** Runs: every status (always live), the events of the runs somebody looks at, and what can be done to a run. */
import type { MethodResult } from '../../../electron/shared/api/api.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import { emptySeries, type RunSeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { asErrorInfo } from './notices.ts';
import type { SliceContext } from './types.ts';

export type RunDetail = MethodResult<'runs.get'>;

export interface RunsSlice {
  /** null until the list has been fetched once. */
  runs: Readonly<Record<string, RunStatus>> | null;
  runsError: ErrorInfo | null;
  runDetails: Readonly<Record<string, RunDetail>>;
  runDetailErrors: Readonly<Record<string, ErrorInfo>>;
  runSeries: Readonly<Record<string, RunSeries>>;
  /** Why the event stream of a run broke, if it did. */
  runStreamErrors: Readonly<Record<string, ErrorInfo>>;
  loadRuns(): Promise<void>;
  loadRun(id: string): Promise<void>;
  /** Streams a run's events into `runSeries` until the returned function is called; goes on behind what is known. */
  watchRun(id: string): () => void;
  /** Returns the new run's id. Throws CollieError; `spec.invalid` carries the issues. */
  startRun(spec: unknown): Promise<string>;
  stopRun(id: string): Promise<boolean>;
  saveRun(id: string): Promise<boolean>;
  resumeRun(id: string): Promise<boolean>;
  removeRun(id: string): Promise<boolean>;
  /** Takes a change in; used by the stream only. */
  receiveRunStatus(status: RunStatus): void;
}

type Command = 'runs.stop' | 'runs.save' | 'runs.resume' | 'runs.remove';

const without = <T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> => {
  const { [key]: _, ...rest } = record;
  return rest;
};

export function runsSlice({ client, get, set }: SliceContext): RunsSlice {
  const watches = new Map<string, { count: number; stop: () => void }>();

  /** Sends a wish for one run. true: the host has it; false: the user has been told why not. */
  async function command(method: Command, id: string, failure: string): Promise<boolean> {
    try {
      await client.call(method, { id });
      return true;
    } catch (thrown) {
      get().report(failure, thrown);
      return false;
    }
  }

  function openStream(id: string): () => void {
    return client.subscribe(
      'runs.events',
      { id, afterSeq: get().runSeries[id]?.lastSeq ?? -1 },
      ({ events }) =>
        set((s) => ({
          runSeries: {
            ...s.runSeries,
            [id]: reduceEvents(s.runSeries[id] ?? emptySeries, events),
          },
        })),
      (error) => {
        if (error) set((s) => ({ runStreamErrors: { ...s.runStreamErrors, [id]: error } }));
      },
    );
  }

  return {
    runs: null,
    runsError: null,
    runDetails: {},
    runDetailErrors: {},
    runSeries: {},
    runStreamErrors: {},
    async loadRuns() {
      try {
        const list = await client.call('runs.list', {});
        set({ runs: Object.fromEntries(list.map((run) => [run.id, run])), runsError: null });
      } catch (thrown) {
        set({ runsError: asErrorInfo(thrown) });
      }
    },
    async loadRun(id) {
      try {
        const detail = await client.call('runs.get', { id });
        set((s) => ({
          runDetails: { ...s.runDetails, [id]: detail },
          runDetailErrors: without(s.runDetailErrors, id),
        }));
      } catch (thrown) {
        set((s) => ({ runDetailErrors: { ...s.runDetailErrors, [id]: asErrorInfo(thrown) } }));
      }
    },
    watchRun(id) {
      const watch = watches.get(id) ?? { count: 0, stop: () => {} };
      if (watch.count === 0) {
        set((s) => ({
          runSeries: { ...s.runSeries, [id]: s.runSeries[id] ?? emptySeries },
          runStreamErrors: without(s.runStreamErrors, id),
        }));
        watch.stop = openStream(id);
        watches.set(id, watch);
      }
      watch.count += 1;
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        watch.count -= 1;
        if (watch.count > 0) return;
        watch.stop();
        watches.delete(id);
      };
    },
    async startRun(spec) {
      const { id } = await client.call('runs.start', { spec });
      return id;
    },
    stopRun: (id) => command('runs.stop', id, 'Could not stop the run'),
    saveRun: (id) => command('runs.save', id, 'Could not save a checkpoint'),
    resumeRun: (id) => command('runs.resume', id, 'Could not resume the run'),
    async removeRun(id) {
      const removed = await command('runs.remove', id, 'Could not remove the run');
      if (removed)
        set((s) => ({
          runs: s.runs && without(s.runs, id),
          runDetails: without(s.runDetails, id),
          runSeries: without(s.runSeries, id),
        }));
      return removed;
    },
    receiveRunStatus: (status) => set((s) => ({ runs: { ...s.runs, [status.id]: status } })),
  };
}
