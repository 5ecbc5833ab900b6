/** Layouts that the draft allows over a number of ranks, as the host ranks them. */
import type { LayoutForecast } from '../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import type { ParallelSpec } from '../../../electron/shared/spec/parallel-fields.ts';
import { specValue } from '../../../electron/shared/spec/spec-fields.ts';
import { withValue } from './draft.ts';
import { asErrorInfo } from './notices.ts';
import type { Loaded, SliceContext } from './types.ts';

export interface LayoutsSlice {
  layouts: Loaded<LayoutForecast>;
  layoutsError: ErrorInfo | null;
  layoutsLoading: boolean;
  /** Asks for the layouts of so many ranks. */
  loadLayouts(ranks: number): Promise<void>;
  /** Takes a layout over into the draft, with the accumulation that keeps the global batch. What belongs to another pipeline is set back. */
  chooseLayout(layout: LayoutForecast): void;
}

/** Settings of a layout that hang on its grid. */
const gridKeys = [
  'dp_size',
  'tp_size',
  'pp_size',
  'sequence_parallel',
  'zero_stage',
  'pipeline_chunks',
  'pipeline_layers',
] as const satisfies readonly (keyof ParallelSpec)[];

export function layoutsSlice({ client, get, set }: SliceContext): LayoutsSlice {
  let latest = 0;
  return {
    layouts: null,
    layoutsError: null,
    layoutsLoading: false,
    async loadLayouts(ranks) {
      latest += 1;
      const mine = latest;
      set({ layoutsLoading: true });
      try {
        const layouts = await client.call('spec.layouts', { spec: get().draft, ranks });
        if (mine === latest) set({ layouts, layoutsError: null, layoutsLoading: false });
      } catch (thrown) {
        if (mine === latest) set({ layouts: null, layoutsError: asErrorInfo(thrown), layoutsLoading: false });
      }
    },
    chooseLayout({ parallel, gradAccumSteps }) {
      const old = specValue(get().draft, 'parallel') as object | undefined;
      const grid = Object.fromEntries(gridKeys.map((key) => [key, parallel[key]]));
      const laidOut = withValue(get().draft, 'parallel', { ...old, ...grid });
      get().replaceDraft(withValue(laidOut, 'batch.grad_accum_steps', gradAccumSteps));
    },
  };
}
