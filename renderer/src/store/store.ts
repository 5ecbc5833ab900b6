/**
 * The one store of the window, made of slices. Its state is read-only outside: components render what `useStore`
 * gives and call the actions that stand beside it; only slices change it, and only they talk to the client.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import type { Client } from '../client/client.ts';
import { type ComposeSlice, composeSlice } from './compose.ts';
import { type ConnectionSlice, connectionSlice } from './connection.ts';
import { type DatasetsSlice, datasetsSlice } from './datasets.ts';
import { type ImportingSlice, importingSlice } from './importing.ts';
import { type JobsSlice, jobsSlice } from './jobs.ts';
import { type LayoutsSlice, layoutsSlice } from './layouts.ts';
import { type ModelsSlice, modelsSlice } from './models.ts';
import { type NoticesSlice, noticesSlice } from './notices.ts';
import { type QueueSlice, queueSlice } from './queue.ts';
import { type RunsSlice, runsSlice } from './runs.ts';
import { type SweepsSlice, sweepsSlice } from './sweeps.ts';
import { askingForTrust, type TrustSlice, trustSlice } from './trust.ts';
import type { SliceContext } from './types.ts';

export type Store = ConnectionSlice &
  NoticesSlice &
  JobsSlice &
  ModelsSlice &
  DatasetsSlice &
  RunsSlice &
  QueueSlice &
  SweepsSlice &
  ComposeSlice &
  LayoutsSlice &
  ImportingSlice &
  TrustSlice;

export type ReadStore = Pick<StoreApi<Store>, 'getState' | 'getInitialState' | 'subscribe'>;

export interface StoreHandle {
  readonly store: ReadStore;
  readonly client: Client;
  /** Starts the streams that live as long as the window: line, statuses, jobs. Returns the function that ends them. */
  connect(): () => void;
}

export function createCollieStore(plain: Client): StoreHandle {
  const client = askingForTrust(plain, () => store.getState());
  const store: StoreApi<Store> = createStore<Store>((set, get) => {
    const context: SliceContext = { client, get, set };
    return {
      ...connectionSlice(context),
      ...noticesSlice(context),
      ...jobsSlice(context),
      ...modelsSlice(context),
      ...datasetsSlice(context),
      ...runsSlice(context),
      ...queueSlice(context),
      ...sweepsSlice(context),
      ...composeSlice(context),
      ...layoutsSlice(context),
      ...importingSlice(context),
      ...trustSlice({ ...context, client: plain }),
    };
  });
  return { store, client, connect: () => connect(store, client) };
}

/** What a finished job changed is loaded again. */
function afterJob(state: Store, kind: string): void {
  if (kind === 'model.import') void state.loadModels();
  if (kind === 'dataset.import') void state.loadDatasets();
}

/** Milliseconds for which changes are collected: one drawing for all of them. Nobody reads a step counter twice a second. */
const BATCH_MS = 1000;

/** The newest value of each id, in batches. What is `urgent`, and the first of a quiet time, is passed on at once. */
function batched<T extends { id: string }>(
  pass: (batch: T[]) => void,
  urgent: (value: T) => boolean,
): { put(value: T): void; end(): void } {
  const pending = new Map<string, T>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    if (pending.size === 0) return;
    const batch = [...pending.values()];
    pending.clear();
    timer = setTimeout(flush, BATCH_MS);
    pass(batch);
  };
  return {
    put(value) {
      pending.set(value.id, value);
      if (timer !== undefined && !urgent(value)) return;
      clearTimeout(timer);
      flush();
    },
    end: () => clearTimeout(timer),
  };
}

function connect(store: StoreApi<Store>, client: Client): () => void {
  const loadAll = () => {
    const state = store.getState();
    void state.loadSystem();
    void state.loadModels();
    void state.loadDatasets();
    void state.loadRuns();
  };
  const statuses = batched<RunStatus>(
    (batch) => store.getState().receiveRunStatuses(batch),
    // Counters may wait, a run that ends may not.
    ({ id, state, phase, ranks, restarts, checkpoint }) => {
      const before = store.getState().runs?.[id];
      const same =
        before && state === before.state && phase === before.phase && checkpoint === before.checkpoint;
      return !same || ranks.length > 1 || restarts.length !== before.restarts.length;
    },
  );
  const ends = [
    statuses.end,
    client.onLine((line) => {
      const before = store.getState().line.state;
      store.setState({ line });
      // Lists may have changed while nobody listened.
      if (line.state === 'open' && before === 'lost') loadAll();
    }),
    client.subscribe('runs.status', { changes: true }, statuses.put),
    client.subscribe('jobs', {}, (job) => {
      const before = store.getState().jobs[job.id];
      store.getState().receiveJob(job);
      if (before?.state === 'running' && job.state === 'done') afterJob(store.getState(), job.kind);
    }),
  ];
  store.setState({ line: client.line() });
  loadAll();
  return () => {
    for (const end of ends) end();
  };
}
