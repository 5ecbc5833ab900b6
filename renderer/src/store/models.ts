/** The model library. */
import type { ChatTemplateInfo, ModelCard } from '../../../electron/shared/api/entities.ts';
import type { ModelFit } from '../../../electron/shared/api/model-fit.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import { asErrorInfo } from './notices.ts';
import type { Loaded, SliceContext } from './types.ts';

export interface ModelsSlice {
  models: Loaded<ModelCard>;
  modelsError: ErrorInfo | null;
  loadModels(): Promise<void>;
  /** Starts an import and returns its job id at once; the list is loaded again when the job is done. Throws. */
  importModel(path: string, name: string): Promise<string>;
  removeModel(id: string): Promise<boolean>;
  /** Throws. */
  /** What it takes on this machine with each method. */
  fitOf(id: string): Promise<ModelFit>;
  templateOf(id: string): Promise<ChatTemplateInfo>;
  /** null: back to what the model brings. Throws. */
  setTemplate(id: string, text: string | null): Promise<ChatTemplateInfo>;
}

export function modelsSlice({ client, get, set }: SliceContext): ModelsSlice {
  return {
    models: null,
    modelsError: null,
    async loadModels() {
      try {
        set({ models: await client.call('models.list', {}), modelsError: null });
      } catch (thrown) {
        set({ modelsError: asErrorInfo(thrown) });
      }
    },
    async importModel(path, name) {
      const { jobId } = await client.call('models.import', { path, name });
      return jobId;
    },
    async removeModel(id) {
      try {
        await client.call('models.remove', { id });
        set((s) => ({ models: s.models?.filter((m) => m.id !== id) ?? null }));
        return true;
      } catch (thrown) {
        get().report('Could not remove the model', thrown);
        return false;
      }
    },
    fitOf: (id) => client.call('models.fit', { id }),
    templateOf: (id) => client.call('models.template', { id }),
    async setTemplate(id, text) {
      const info = await client.call('models.setTemplate', { id, text });
      await get().loadModels();
      return info;
    },
  };
}
