/** How long ranks may take to end by themselves before they are ended by force. */

/** A rank that was asked to stop and shows no sign of life for so long. */
const STOP_MS = 10 * 60_000;
/** When one rank has ended too early, the others get so long. A launcher that has lost a host may wait for it for a quarter of an hour. */
const OTHERS_MS = 5_000;

/** Of one attempt. */
export class StopTimeout {
  #lastSign = performance.now();
  /** When the first rank of the attempt failed. */
  #trouble: number | null = null;

  /** A rank has said something, or has just been told to. */
  sign(): void {
    this.#lastSign = performance.now();
  }

  /** Why the ranks are to be ended by force now; null: not yet. */
  over({ stopping, failed }: { stopping: boolean; failed: boolean }): string | null {
    const now = performance.now();
    if (stopping && now - this.#lastSign >= STOP_MS) return 'the training process does not stop';
    if (!failed) return null;
    this.#trouble ??= now;
    return now - this.#trouble < OTHERS_MS ? null : 'a rank has ended and the others have not';
  }
}
