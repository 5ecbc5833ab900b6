/** How long the rest of a run takes, from the wall time of its latest steps: evaluations and checkpoints included. */
import type { RunEvent } from '../shared/runs/events.ts';

const WINDOW = 64;

export class StepClock {
  #steps: { step: number; timeUs: number }[] = [];
  #lastStepSeconds = 0;

  see(event: RunEvent): void {
    if (event.type === 'started') this.#steps = [];
    if (event.type !== 'step') return;
    this.#lastStepSeconds = event.payload.metrics.step_seconds ?? 0;
    this.#steps.push({ step: event.step, timeUs: event.timeUs });
    if (this.#steps.length > WINDOW) this.#steps.shift();
  }

  /** Null before the first step or without a known end. */
  secondsLeft(totalSteps: number | null): number | null {
    const first = this.#steps[0];
    const last = this.#steps.at(-1);
    if (!first || !last || totalSteps === null) return null;
    const done = last.step - first.step;
    const wall = done > 0 ? (last.timeUs - first.timeUs) / 1e6 / done : 0;
    // Not above zero: the clock was set back in between.
    const pace = wall > 0 ? wall : this.#lastStepSeconds;
    return Math.max(0, totalSteps - last.step) * pace;
  }
}
