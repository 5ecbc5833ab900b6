/** What a callback has yet to be told. Bounded, whatever it does: of steps only the newest waits, of the rest the newest few hundred. Pure. */
import type { HandlerName } from '../../server/callbacks/messages.ts';
import type { StepEvent } from '../../shared/runs/callback-types.ts';

const MOST = 256;

export interface Told {
  handler: HandlerName;
  step: number;
  event: object;
}

export class EventQueue {
  #waiting: Told[] = [];
  #missedSteps = 0;
  #dropped = 0;

  /** Steps that were not told, in all. */
  get missedSteps(): number {
    return this.#missedSteps;
  }

  /** Other events that were not told. */
  get dropped(): number {
    return this.#dropped;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(told: Told): void {
    this.#waiting.push(told.handler === 'onStep' ? this.#inPlaceOfSteps(told) : told);
    if (this.#waiting.length <= MOST) return;
    const oldest = this.#waiting.findIndex(({ handler }) => handler !== 'onStep' && handler !== 'onEnd');
    this.#waiting.splice(oldest, 1);
    this.#dropped += 1;
  }

  next(): Told | null {
    return this.#waiting.shift() ?? null;
  }

  /** Of an attempt that goes on from an earlier step: what happened beyond it has not. */
  forget(): void {
    this.#waiting = [];
  }

  #inPlaceOfSteps(told: Told): Told {
    const before = this.#waiting.findIndex(({ handler }) => handler === 'onStep');
    if (before < 0) return told;
    const [older] = this.#waiting.splice(before, 1);
    this.#missedSteps += 1;
    return {
      ...told,
      event: { ...told.event, missed: ((older?.event as StepEvent | undefined)?.missed ?? 0) + 1 },
    };
  }
}
