/** What the user chose for answers, kept in this browser. Pure but for the storage handed in. */
import { z } from 'zod';
import { samplingParamsSchema } from '../../../../electron/shared/api/chat.ts';

const stateSchema = z.object({
  sampling: samplingParamsSchema,
  /** `new`: another seed for every question. */
  seedMode: z.enum(['fixed', 'new']).default('new'),
  system: z.string().default(''),
});
export type SamplingState = z.infer<typeof stateSchema>;

const KEY = 'collie.playground';
export const defaultSamplingState = (): SamplingState => stateSchema.parse({ sampling: {} });

export function loadSamplingState(storage: Pick<Storage, 'getItem'> | undefined): SamplingState {
  try {
    const saved = stateSchema.safeParse(JSON.parse(storage?.getItem(KEY) ?? 'null'));
    return saved.success ? saved.data : defaultSamplingState();
  } catch {
    return defaultSamplingState();
  }
}

export function saveSamplingState(storage: Pick<Storage, 'setItem'> | undefined, state: SamplingState): void {
  try {
    storage?.setItem(KEY, JSON.stringify(state));
  } catch {
    // A full or forbidden storage costs only the memory of this choice.
  }
}

/** The seed of the next question. */
export const nextSeed = ({ sampling, seedMode }: SamplingState): number =>
  seedMode === 'fixed' ? sampling.seed : Math.floor(Math.random() * 2_147_483_647);
