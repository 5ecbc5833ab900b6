/** Model and length that the token views work with, kept in the address: they survive reloads and can be linked to. */
import type { DatasetCard, ModelCard } from '../../../../electron/shared/api/entities.ts';
import { batchSchema } from '../../../../electron/shared/spec/batch-fields.ts';
import { href, navigate } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import { useStore } from '../../store/context.tsx';
import type { TokenizeQuery } from '../../store/datasets.ts';

const DEFAULT_SEQ_LEN = batchSchema.parse({}).seq_len;

export interface TokenizeSettings {
  readonly models: readonly ModelCard[];
  readonly model: ModelCard | null;
  readonly seqLen: number;
  readonly row: number;
  /** null until a model and a mapping are there. */
  readonly query: TokenizeQuery | null;
  change(values: { model?: string; seq?: number; row?: number }): void;
}

function wholeNumber(text: string | null, least: number, otherwise: number): number {
  const value = Number(text);
  return text !== null && Number.isInteger(value) && value >= least ? value : otherwise;
}

export function useTokenizeSettings(dataset: DatasetCard): TokenizeSettings {
  const { parts, query } = useRoute();
  const models = useStore((s) => s.models) ?? [];
  const usable = models.filter((m) => m.problem === null);
  const model = usable.find((m) => m.id === query.get('model')) ?? usable[0] ?? null;
  const most = model && model.contextLength >= 8 ? model.contextLength : DEFAULT_SEQ_LEN;
  const seqLen = wholeNumber(query.get('seq'), 8, Math.min(DEFAULT_SEQ_LEN, most));
  const row = Math.min(wholeNumber(query.get('row'), 0, 0), Math.max(0, dataset.rows - 1));
  return {
    models: usable,
    model,
    seqLen,
    row,
    query:
      model && dataset.mapping
        ? { datasetId: dataset.id, modelId: model.id, mapping: dataset.mapping, seqLen, systemPrompt: '' }
        : null,
    change(values) {
      const next = Object.fromEntries(query);
      for (const [key, value] of Object.entries(values)) next[key] = String(value);
      navigate(href('datasets', dataset.id, parts[2] ?? 'rows', next), 'replace');
    },
  };
}
