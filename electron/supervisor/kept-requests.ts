/** Requests that hold beyond the processes they were told to: those that take over, for more memory or after a death, are told again. */
import type { ControlRequest } from '../server/runs/control.ts';
import type { Attempt } from './attempt.ts';

export class KeptRequests {
  #holds = false;
  /** The step at which the end of its epoch was requested. */
  #endsEpochOf: number | null = null;

  /** `step`: how far the run is as it is asked. */
  see({ command }: ControlRequest, step: number): void {
    if (command === 'pause' || command === 'continue') this.#holds = command === 'pause';
    if (command === 'end_epoch') this.#endsEpochOf = step;
  }

  /** A run that starts again after a failure trains: who held it has seen it fail. */
  resume(): void {
    this.#holds = false;
  }

  tell(ranks: Pick<Attempt, 'tell'>): void {
    if (this.#holds) ranks.tell({ command: 'pause' });
    if (this.#endsEpochOf !== null) ranks.tell({ command: 'end_epoch', step: this.#endsEpochOf });
  }
}
