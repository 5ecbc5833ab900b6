/** What a callback may log, held to its limits: names, numbers, how many, how often. What is left out is said once each. Pure. */
import { isMetricName, MOST_NAMES } from '../../shared/runs/callbacks.ts';

/** Lines that one step may bring. */
const MOST_A_STEP = 4;

export class LoggedMetrics {
  readonly #prefix: string;
  readonly #note: (sentence: string) => void;
  readonly #names = new Set<string>();
  readonly #said = new Set<string>();
  #step = -1;
  #count = 0;

  /** `note` gets sentences for the author. */
  constructor(prefix: string, note: (sentence: string) => void) {
    this.#prefix = prefix;
    this.#note = note;
  }

  /** Under their whole names; null: nothing is left of it. */
  take(step: number, metrics: Readonly<Record<string, unknown>>): Record<string, number> | null {
    if (step !== this.#step) [this.#step, this.#count] = [step, 0];
    if (this.#count >= MOST_A_STEP) {
      this.#once('often', `logs more than ${MOST_A_STEP} times a step: the rest is left out`);
      return null;
    }
    const kept = Object.entries(metrics).filter((entry): entry is [string, number] => this.#fits(...entry));
    if (kept.length === 0) return null;
    this.#count += 1;
    return Object.fromEntries(kept.map(([name, value]) => [`${this.#prefix}/${name}`, value]));
  }

  #fits(name: string, value: unknown): boolean {
    if (!isMetricName(name)) {
      const shown = JSON.stringify(name.slice(0, 80));
      this.#once('name', `logged under ${shown}, which is no name of a metric: it is left out`);
      return false;
    }
    if (!this.#names.has(name) && this.#names.size >= MOST_NAMES) {
      this.#once('many', `logged more than ${MOST_NAMES} metrics: ${name} and others are left out`);
      return false;
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.#once(
        `finite ${name}`,
        `logged ${name} as ${value ?? 'NaN'}: values that are not finite are left out`,
      );
      return false;
    }
    this.#names.add(name);
    return true;
  }

  #once(what: string, sentence: string): void {
    // Names come from outside: what was said is bounded too.
    if (this.#said.has(what) || this.#said.size > 2 * MOST_NAMES) return;
    this.#said.add(what);
    this.#note(sentence);
  }
}
