/** The turn of the supervisor after an evaluation: the ranks wait for the scores of a set, and the run says how far its judge is. */
import type { RunSpec } from '../shared/spec/run-spec.ts';
import type { AlarmBook } from './alarm-book.ts';
import type { Attempt } from './attempt.ts';
import type { Log } from './log.ts';
import type { Decode } from './samples.ts';
import { Scoring } from './scoring.ts';
import type { StatusFile } from './status.ts';

export interface ScoreTurnOwner {
  log: Log;
  status: StatusFile;
  alarms: AlarmBook;
  /** Whether the run is to go on: one that is to end says that instead. */
  going(): boolean;
  /** Aborted with the run: a judge is asked no more. */
  signal: AbortSignal;
}

export class ScoreTurn {
  readonly #scoring: Scoring;
  readonly #owner: ScoreTurnOwner;

  constructor(runDir: string, spec: RunSpec, decode: Decode, owner: ScoreTurnOwner) {
    this.#owner = owner;
    this.#scoring = new Scoring(runDir, spec, decode, {
      log: owner.log,
      judging: (done, all) => this.#show(`Waiting for the judge (${done} of ${all})`, done / all),
      notJudged: (step, said) => owner.alarms.raise('not_judged', step, said),
    });
  }

  /** A judge may take minutes, which are none of the ranks'. */
  async take(attempt: Attempt, set: string, step: number): Promise<void> {
    const { phase, phaseProgress } = this.#owner.status.value;
    const signal = AbortSignal.any([this.#owner.signal, attempt.gone]);
    attempt.tell(await this.#scoring.score(set, step, signal));
    this.#show(phase, phaseProgress);
    attempt.sign();
  }

  #show(phase: string, phaseProgress: number | null): void {
    if (this.#owner.going()) this.#owner.status.update({ phase, phaseProgress });
  }
}
