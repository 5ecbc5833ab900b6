/**
 * Stops the run once the evaluation loss is further above its best value than the gap to the training loss allows: a sign that it learns by heart. Logs the gap, so that
 * the monitor draws it.
 */
import type { Callback } from './collie-callbacks.d.ts';

/** Nats by which the evaluation loss may rise above its best value. */
const MOST_RISE = 0.1;
/** Share of the newest step in the smoothed training loss. */
const SMOOTHING = 0.1;

let trained: number | null = null;
let best = Number.POSITIVE_INFINITY;

export default {
  onStep({ metrics }) {
    const { loss } = metrics;
    if (typeof loss === 'number') trained = trained === null ? loss : trained + SMOOTHING * (loss - trained);
  },

  onEvaluation({ set, metrics, step }, run) {
    const { loss } = metrics;
    if (set !== 'eval' || typeof loss !== 'number') return;
    best = Math.min(best, loss);
    if (trained !== null) run.log({ gap: loss - trained, best });
    if (loss > best + MOST_RISE) run.stop(`loss ${loss.toFixed(3)} at step ${step}, best was ${best.toFixed(3)}`);
  },
} satisfies Callback;
