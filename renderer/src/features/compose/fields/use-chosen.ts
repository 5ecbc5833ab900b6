import type { DatasetCard, ModelCard } from '../../../../../electron/shared/api/entities.ts';
import { specValue } from '../../../../../electron/shared/spec/spec-fields.ts';
import { useStore } from '../../../store/context.tsx';

const libraryId = (value: unknown): string | null =>
  typeof value === 'string' && value.startsWith('library:') ? value.slice('library:'.length) : null;

/** The dataset of the library that the draft names at `path`, or null. */
export function useChosenDataset(path: 'dataset.train'): DatasetCard | null {
  const id = useStore((s) => libraryId(specValue(s.draft, path)));
  return useStore((s) => s.datasets?.find((d) => d.id === id) ?? null);
}

/** The model of the library that the draft names, or null. */
export function useChosenModel(): ModelCard | null {
  const id = useStore((s) => libraryId(s.draft.model));
  return useStore((s) => s.models?.find((m) => m.id === id) ?? null);
}
