/** What the host needs of a model library: no more than this. */
import type { ChatTemplateInfo, ModelCard } from '../../shared/api/entities.ts';
import type { ModelFolder } from '../models/of-run.ts';

/** How long work reports and ends early. Same shape as a job's context. */
export interface WorkContext {
  readonly signal: AbortSignal;
  progress(fraction: number | null, message?: string): void;
}

export interface ModelsPart {
  list(): Promise<ModelCard[]>;
  folders(): Promise<ModelFolder[]>;
  get(id: string): Promise<ModelCard>;
  import(path: string, name: string, context: WorkContext): Promise<ModelCard>;
  remove(id: string): Promise<void>;
  template(id: string): Promise<ChatTemplateInfo>;
  setTemplate(id: string, text: string | null): Promise<ChatTemplateInfo>;
}
