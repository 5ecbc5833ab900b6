/** What the host needs of the model library, the dataset library and the spec resolver: no more than this. */
import type { MethodParsed, MethodResult } from '../../shared/api.ts';
import type { DatasetCard, ModelCard, Preset, TokenizedRow, TokenStats } from '../../shared/entities.ts';
import type { Mapping } from '../../shared/run-spec.ts';

/** How long work reports and ends early. Same shape as a job's context. */
export interface WorkContext {
  readonly signal: AbortSignal;
  progress(fraction: number | null, message?: string): void;
}

export interface ModelsPart {
  list(): Promise<ModelCard[]>;
  get(id: string): Promise<ModelCard>;
  import(path: string, name: string, context: WorkContext): Promise<ModelCard>;
  remove(id: string): Promise<void>;
}

export interface DatasetsPart {
  list(): Promise<DatasetCard[]>;
  get(id: string): Promise<DatasetCard>;
  import(path: string, name: string, context: WorkContext): Promise<DatasetCard>;
  rows(params: MethodParsed<'datasets.rows'>): Promise<MethodResult<'datasets.rows'>>;
  setMapping(id: string, mapping: Mapping): Promise<DatasetCard>;
  tokenize(params: MethodParsed<'datasets.tokenize'>): Promise<TokenizedRow>;
  stats(params: MethodParsed<'datasets.stats'>, context: WorkContext): Promise<TokenStats>;
  remove(id: string): Promise<void>;
}

export interface SpecsPart {
  /** All issues together. `resolved`: every default filled in, paths absolute; null with any issue. */
  validate(spec: unknown): Promise<MethodResult<'spec.validate'>>;
  presets(): Promise<Preset[]>;
}
