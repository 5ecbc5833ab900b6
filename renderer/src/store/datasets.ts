/** The dataset library, pages of rows, and how rows look as tokens. */
import type { MethodParams, MethodResult } from '../../../electron/shared/api/api.ts';
import type { DatasetCard, TokenizedRow, TokenStats } from '../../../electron/shared/api/entities.ts';
import { type ErrorInfo, toErrorInfo } from '../../../electron/shared/errors.ts';
import type { Mapping } from '../../../electron/shared/spec/run-spec.ts';
import { asErrorInfo } from './notices.ts';
import type { Loaded, SliceContext } from './types.ts';

export type RowPage = MethodResult<'datasets.rows'>;
/** Dataset, model, mapping and length: what tokens depend on. */
export type TokenizeQuery = MethodParams<'datasets.stats'>;

export type ImportParams<M extends 'datasets.preview' | 'datasets.import'> = MethodParams<M>;

export interface StatsState {
  readonly jobId: string | null;
  readonly stats: TokenStats | null;
  readonly error: ErrorInfo | null;
}

export interface DatasetsSlice {
  datasets: Loaded<DatasetCard>;
  datasetsError: ErrorInfo | null;
  /** Token statistics by `statsKey(query)`. */
  tokenStats: Readonly<Record<string, StatsState>>;
  loadDatasets(): Promise<void>;
  /** Starts a look at a data file and returns its job; the result is a DatasetPreview. Throws CollieError. */
  previewDataset(params: ImportParams<'datasets.preview'>): Promise<string>;
  importDataset(params: ImportParams<'datasets.import'>): Promise<string>;
  removeDataset(id: string): Promise<boolean>;
  /** Throws CollieError. */
  setMapping(id: string, mapping: Mapping): Promise<void>;
  /** Throws CollieError. */
  fetchRows(params: MethodParams<'datasets.rows'>): Promise<RowPage>;
  /** Throws CollieError. */
  tokenizeRow(query: TokenizeQuery, row: number): Promise<TokenizedRow>;
  computeStats(query: TokenizeQuery): Promise<void>;
}

export const statsKey = (query: TokenizeQuery): string =>
  JSON.stringify([query.datasetId, query.modelId, query.mapping, query.systemPrompt ?? '', query.seqLen]);

export function datasetsSlice({ client, get, set }: SliceContext): DatasetsSlice {
  const putStats = (key: string, state: StatsState) =>
    set((s) => ({ tokenStats: { ...s.tokenStats, [key]: state } }));
  return {
    datasets: null,
    datasetsError: null,
    tokenStats: {},
    async loadDatasets() {
      try {
        set({ datasets: await client.call('datasets.list', {}), datasetsError: null });
      } catch (thrown) {
        set({ datasetsError: asErrorInfo(thrown) });
      }
    },
    async previewDataset(params) {
      const { jobId } = await client.call('datasets.preview', params);
      return jobId;
    },
    async importDataset(params) {
      const { jobId } = await client.call('datasets.import', params);
      return jobId;
    },
    async removeDataset(id) {
      try {
        await client.call('datasets.remove', { id });
        set((s) => ({ datasets: s.datasets?.filter((d) => d.id !== id) ?? null }));
        return true;
      } catch (thrown) {
        get().report('Could not remove the dataset', thrown);
        return false;
      }
    },
    async setMapping(id, mapping) {
      const card = await client.call('datasets.setMapping', { id, mapping });
      set((s) => ({ datasets: s.datasets?.map((d) => (d.id === id ? card : d)) ?? null }));
    },
    fetchRows: (params) => client.call('datasets.rows', params),
    tokenizeRow: (query, row) => client.call('datasets.tokenize', { ...query, row }),
    async computeStats(query) {
      const key = statsKey(query);
      const known = get().tokenStats[key];
      if (known && !known.error) return;
      putStats(key, { jobId: null, stats: null, error: null });
      try {
        const { jobId } = await client.call('datasets.stats', query);
        putStats(key, { jobId, stats: null, error: null });
        const stats = (await get().awaitJob(jobId)) as TokenStats;
        putStats(key, { jobId, stats, error: null });
      } catch (thrown) {
        putStats(key, { jobId: null, stats: null, error: toErrorInfo(thrown) });
      }
    },
  };
}
