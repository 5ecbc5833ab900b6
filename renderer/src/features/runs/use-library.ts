import { useMemo } from 'react';
import { useStore } from '../../store/context.tsx';
import type { Library } from './run-view.ts';

export function useLibrary(): Library {
  const models = useStore((s) => s.models);
  const datasets = useStore((s) => s.datasets);
  return useMemo(() => ({ models, datasets }), [models, datasets]);
}
