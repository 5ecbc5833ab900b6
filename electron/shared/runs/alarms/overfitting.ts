/** The evaluation gets worse while the training gets better. */
import type { RunEvent } from '../events.ts';
import type { Said, Watcher } from './alarm.ts';
import { mean } from './windows.ts';

/** Evaluations in a row above the best. */
const EVALUATIONS = 3;
const RISE = 1.01;

interface Judged {
  step: number;
  loss: number;
  /** Mean training loss since the evaluation before. */
  trained: number;
}

const exact = (value: number) => Number(value.toPrecision(4)).toString();

class Overfitting implements Watcher {
  /** By set: its evaluations since the best, which is the first. */
  readonly #sets = new Map<string, Judged[]>();
  /** Training losses since the set's last evaluation. */
  readonly #since = new Map<string, number[]>();
  readonly #said = new Set<string>();

  see(event: RunEvent): Said | null {
    if (event.type === 'started') {
      this.#sets.clear();
      this.#since.clear();
    }
    if (event.type === 'step') {
      const { loss } = event.payload.metrics;
      if (typeof loss === 'number') for (const losses of this.#since.values()) losses.push(loss);
      return null;
    }
    return event.type === 'eval'
      ? this.#judge(event.payload.set, event.step, event.payload.metrics.loss)
      : null;
  }

  #judge(set: string, step: number, loss: number | null | undefined): Said | null {
    if (typeof loss !== 'number') return null;
    const losses = this.#since.get(set) ?? [];
    this.#since.set(set, []);
    const trained = losses.length > 0 ? mean(losses) : Number.POSITIVE_INFINITY;
    const past = this.#sets.get(set) ?? [];
    const best = past[0];
    if (!best || loss <= best.loss) {
      this.#sets.set(set, [{ step, loss, trained }]);
      this.#said.delete(set);
      return null;
    }
    past.push({ step, loss, trained });
    this.#sets.set(set, past);
    const last = past.slice(-EVALUATIONS);
    const rises = last.every((one, k) => one.loss > best.loss * RISE && one.loss >= (last[k - 1]?.loss ?? 0));
    const learns = (last.at(-1)?.trained ?? 0) < best.trained;
    if (past.length <= EVALUATIONS || !rises || !learns || this.#said.has(set)) return null;
    this.#said.add(set);
    const name = set === 'eval' ? 'the held-out rows' : `the set ${set}`;
    return {
      message: `The loss of ${name} rises: ${exact(loss)}, after ${exact(best.loss)} at step ${best.step}, while the training loss falls.`,
      cause: 'The model learns the training rows by heart (overfitting).',
      advice: `Take the checkpoint nearest to step ${best.step}. Next time fewer epochs, more data, a lower rank or dropout; "Best by" with patience ends a run by itself.`,
    };
  }
}

export const overfitting = (): Watcher => new Overfitting();
