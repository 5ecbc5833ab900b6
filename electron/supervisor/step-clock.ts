/** How long the rest of a run takes. */
import type { RunEvent } from '../shared/runs/events.ts';

const WINDOW = 64;

export interface Clock {
  see(event: RunEvent): void;
  /** Null when unknown. */
  secondsLeft(totalSteps: number | null): number | null;
  /** While a phase is under way; null: phases say nothing of it. */
  phaseSecondsLeft(): number | null;
}

/** From the wall time of the latest steps: evaluations and checkpoints included, pauses left out. */
export class StepClock implements Clock {
  #steps: { step: number; timeUs: number }[] = [];
  #lastStepSeconds = 0;
  #pausedAtUs: number | null = null;

  see(event: RunEvent): void {
    if (event.type === 'started') [this.#steps, this.#pausedAtUs] = [[], null];
    if (event.type === 'phase') this.#pause(event.payload.name === 'paused', event.timeUs);
    if (event.type !== 'step') return;
    this.#lastStepSeconds = event.payload.metrics.step_seconds ?? 0;
    this.#steps.push({ step: event.step, timeUs: event.timeUs });
    if (this.#steps.length > WINDOW) this.#steps.shift();
  }

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

  phaseSecondsLeft(): null {
    return null;
  }

  /** The steps before a pause move up to its end. */
  #pause(paused: boolean, timeUs: number): void {
    if (paused) this.#pausedAtUs ??= timeUs;
    if (paused || this.#pausedAtUs === null) return;
    const lasted = Math.max(0, timeUs - this.#pausedAtUs);
    for (const step of this.#steps) step.timeUs += lasted;
    this.#pausedAtUs = null;
  }
}

/** Of a run that only evaluates: from how far it has come. */
export class ProgressClock implements Clock {
  #from: { timeUs: number; done: number } | null = null;
  #left: number | null = null;

  see({ type, payload, timeUs }: RunEvent): void {
    if (type === 'started') [this.#from, this.#left] = [null, null];
    if (type !== 'phase' || payload.name !== 'evaluating' || payload.progress === null) return;
    const done = payload.progress;
    this.#from ??= { timeUs, done };
    const [seconds, share] = [(timeUs - this.#from.timeUs) / 1e6, done - this.#from.done];
    this.#left = share > 0 && seconds > 0 ? (seconds / share) * (1 - done) : null;
  }

  secondsLeft(): number | null {
    return this.#left;
  }

  phaseSecondsLeft(): number | null {
    return this.#left;
  }
}
