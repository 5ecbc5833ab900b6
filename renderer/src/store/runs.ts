/** Runs: every status (always live), summaries for lists, the series of the runs somebody looks at, and what can be done to a run. */
import type { MethodResult } from '../../../electron/shared/api/api.ts';
import type { RunSummary } from '../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import { placeAfter } from '../../../electron/shared/runs/event-streams.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import type { RunChange, RunRequest } from '../../../electron/shared/runs/requests.ts';
import { emptySeries, type RunSeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { decodeSeries } from '../../../electron/shared/runs/series-codec.ts';
import { ask } from '../client/ask-ahead.ts';
import { asErrorInfo } from './notices.ts';
import type { SliceContext } from './types.ts';

export type RunDetail = MethodResult<'runs.get'>;

export interface RunsSlice {
  /** null until the list has been fetched once. */
  runs: Readonly<Record<string, RunStatus>> | null;
  runsError: ErrorInfo | null;
  runDetails: Readonly<Record<string, RunDetail>>;
  runDetailErrors: Readonly<Record<string, ErrorInfo>>;
  /** Spec and tags, for lists. */
  runSummaries: Readonly<Record<string, RunSummary>>;
  /** Losses at evenly spread places, for a small picture. */
  runSparklines: Readonly<Record<string, readonly number[]>>;
  /** Of the runs that are watched now: given back when nobody does. */
  runSeries: Readonly<Record<string, RunSeries>>;
  /** Why the event stream of a run broke, if it did. */
  runStreamErrors: Readonly<Record<string, ErrorInfo>>;
  loadRuns(): Promise<void>;
  loadRun(id: string): Promise<void>;
  /** Those that are not known yet, in one call. */
  loadSummaries(ids: readonly string[]): Promise<void>;
  loadSparklines(ids: readonly string[]): Promise<void>;
  /** Replaces the tags of a run. */
  setTags(id: string, tags: readonly string[]): Promise<void>;
  /** Reads a run into `runSeries`, then streams its events there, until the returned function is called. */
  watchRun(id: string): () => void;
  /** Returns the new run's id. Throws CollieError; `spec.invalid` carries the issues. */
  startRun(spec: unknown): Promise<string>;
  stopRun(id: string): Promise<boolean>;
  /** False, and reported, when the run does not hear it. */
  requestRun(id: string, request: RunRequest, failure: string): Promise<boolean>;
  changeRun(id: string, change: RunChange): Promise<boolean>;
  resumeRun(id: string): Promise<boolean>;
  removeRun(id: string): Promise<boolean>;
  /** Takes changes in; used by the stream only. */
  receiveRunStatuses(statuses: readonly RunStatus[]): void;
}

type Command = 'runs.stop' | 'runs.resume' | 'runs.remove';

const without = <T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> => {
  const { [key]: _, ...rest } = record;
  return rest;
};

export function runsSlice({ client, get, set }: SliceContext): RunsSlice {
  /** Runs whose summaries have been asked for. */
  const asked = new Set<string>();
  const watches = new Map<string, { count: number; stop: () => void }>();

  /** Sends a wish for one run. true: the host has it; false: the user has been told why not. */
  async function tell(failure: string, call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (thrown) {
      get().report(failure, thrown);
      return false;
    }
  }
  const command = (method: Command, id: string, failure: string) =>
    tell(failure, () => client.call(method, { id }));

  const putSeries = (id: string, to: (series: RunSeries) => RunSeries) =>
    set((s) => ({ runSeries: { ...s.runSeries, [id]: to(s.runSeries[id] ?? emptySeries) } }));

  function openStream(id: string): () => void {
    let end: (() => void) | null = null;
    let ended = false;
    const follow = (known: RunSeries) => {
      if (ended) return;
      end = client.subscribe(
        'runs.events',
        { id, ...placeAfter(known) },
        ({ events }) => putSeries(id, (series) => reduceEvents(series, events)),
        (error) => {
          if (error) set((s) => ({ runStreamErrors: { ...s.runStreamErrors, [id]: error } }));
        },
      );
    };
    ask(client, 'runs.series', { id }).then(
      (encoded) => {
        if (ended) return;
        const series = decodeSeries(encoded);
        putSeries(id, () => series);
        follow(series);
      },
      // The stream brings all of it too, only slower; and it says what is wrong if it cannot.
      () => follow(emptySeries),
    );
    return () => {
      ended = true;
      end?.();
    };
  }

  return {
    runs: null,
    runsError: null,
    runDetails: {},
    runDetailErrors: {},
    runSummaries: {},
    runSparklines: {},
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
        const detail = await ask(client, 'runs.get', { id });
        set((s) => ({
          runDetails: { ...s.runDetails, [id]: detail },
          runDetailErrors: without(s.runDetailErrors, id),
        }));
      } catch (thrown) {
        set((s) => ({ runDetailErrors: { ...s.runDetailErrors, [id]: asErrorInfo(thrown) } }));
      }
    },
    async loadSummaries(ids) {
      const missing = ids.filter((id) => !get().runSummaries[id] && !asked.has(id));
      if (missing.length === 0) return;
      for (const id of missing) asked.add(id);
      try {
        const found = await client.call('runs.summaries', { ids: missing });
        const added = Object.fromEntries(found.map((summary) => [summary.id, summary]));
        set((s) => ({ runSummaries: { ...s.runSummaries, ...added } }));
      } catch (thrown) {
        for (const id of missing) asked.delete(id);
        get().report('The settings of the runs could not be read', thrown);
      }
    },
    async loadSparklines(ids) {
      try {
        const found = await client.call('runs.sparklines', { ids: [...ids] });
        const added = Object.fromEntries(found.map(({ id, losses }) => [id, losses]));
        set((s) => ({ runSparklines: { ...s.runSparklines, ...added } }));
      } catch {
        // A list without its small pictures is as good; they are asked for again.
      }
    },
    async setTags(id, tags) {
      try {
        await client.call('runs.setTags', { id, tags: [...tags] });
        const summary = get().runSummaries[id];
        if (summary)
          set((s) => ({ runSummaries: { ...s.runSummaries, [id]: { ...summary, tags: [...tags] } } }));
      } catch (thrown) {
        get().report('The tags could not be saved', thrown);
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
        set((s) => ({ runSeries: without(s.runSeries, id) }));
      };
    },
    async startRun(spec) {
      const { id } = await client.call('runs.start', { spec });
      return id;
    },
    stopRun: (id) => command('runs.stop', id, 'Could not stop the run'),
    requestRun: (id, request, failure) => tell(failure, () => client.call('runs.request', { id, request })),
    changeRun: (id, change) =>
      tell('The settings could not be changed', () => client.call('runs.change', { id, ...change })),
    async resumeRun(id) {
      const before = get().runs?.[id];
      // Shown at once: a supervisor takes seconds to sign in, and its first status replaces this one.
      if (before)
        get().receiveRunStatuses([
          {
            ...before,
            state: 'preparing',
            phase: 'Resuming',
            error: null,
            finishedAt: null,
          },
        ]);
      const asked = await command('runs.resume', id, 'Could not resume the run');
      if (!asked && before && get().runs?.[id]?.phase === 'Resuming') get().receiveRunStatuses([before]);
      return asked;
    },
    async removeRun(id) {
      const removed = await command('runs.remove', id, 'Could not remove the run');
      if (removed)
        set((s) => ({
          runs: s.runs && without(s.runs, id),
          runDetails: without(s.runDetails, id),
          runSummaries: without(s.runSummaries, id),
          runSparklines: without(s.runSparklines, id),
          runSeries: without(s.runSeries, id),
        }));
      return removed;
    },
    receiveRunStatuses: (statuses) =>
      set((s) => ({
        runs: { ...s.runs, ...Object.fromEntries(statuses.map((status) => [status.id, status])) },
      })),
  };
}
