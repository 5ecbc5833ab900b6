/** How many steps a run will take: the same arithmetic as the engine's (batch_plan.h, batch_loader.cpp). */
import { globalBatch, type RunSpec } from '../../shared/spec/run-spec.ts';
import type { RowLengths } from '../datasets/lengths.ts';
import type { Split } from '../datasets/split.ts';
import type { SpecContext } from './context.ts';

/** Tokens of the documents of the train split, as preparing the run will write them; 0 stands for rows left out. */
export function trainLengths(lengths: RowLengths, split: Split, spec: RunSpec): Uint32Array {
  const { seq_len } = spec.batch;
  const drop = spec.dataset.too_long === 'drop';
  return lengths.tokens
    .map((tokens, row) => {
      if (split.heldOut[row] || lengths.trained[row] === 0) return 0;
      if (tokens <= seq_len) return tokens;
      return drop || (lengths.firstTrained[row] as number) >= seq_len ? 0 : seq_len;
    })
    .filter((tokens) => tokens > 0);
}

const stepsOf = (sequences: number, spec: RunSpec) => Math.ceil(sequences / globalBatch(spec).sequences);
const stepsOfFraction = (fraction: number, steps: number) =>
  Math.min(Math.max(Math.ceil(fraction * steps - 1e-9), 1), steps);

export interface Steps {
  perEpoch: number;
  total: number;
}

/** Above this many epochs, later ones are taken to be as long as the first. */
const EXACT_EPOCHS = 8;

/** Exact steps from the lengths of the documents. With packing, epochs differ a little: each is planned. */
export function exactSteps(documents: Uint32Array, spec: RunSpec, planner: SpecContext['planner']): Steps {
  const { batch, seed, duration } = spec;
  const shape = { seqLen: batch.seq_len, packing: batch.packing };
  const epochSteps = (epoch: number) =>
    stepsOf(planner.planEpochSequences(documents, shape, seed, epoch), spec);
  const perEpoch = epochSteps(0);
  if (duration.unit === 'steps') return { perEpoch, total: duration.value };
  let total = 0;
  for (let epoch = 0; epoch < duration.value - 1e-9; epoch += 1) {
    const steps = batch.packing && epoch > 0 && epoch < EXACT_EPOCHS ? epochSteps(epoch) : perEpoch;
    total += stepsOfFraction(Math.min(1, duration.value - epoch), steps);
  }
  return { perEpoch, total };
}

/** Steps from the number of rows alone, without packing: right as long as no row is left out. null with packing. */
export function stepsFromRows(rows: number, spec: RunSpec): Steps | null {
  const { batch, duration } = spec;
  if (batch.packing) return null;
  const perEpoch = stepsOf(rows, spec);
  if (duration.unit === 'steps') return { perEpoch, total: duration.value };
  const whole = Math.floor(duration.value + 1e-9);
  const rest = duration.value - whole;
  return { perEpoch, total: whole * perEpoch + (rest > 1e-9 ? stepsOfFraction(rest, perEpoch) : 0) };
}
