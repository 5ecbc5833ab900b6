/** Ends a run of the queue before its time: at a rung of successive halving, or when it gets no better. What was learned is a checkpoint. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEntry } from '../server/queue/store.ts';
import { writeJsonAtomic } from '../server/runs/folder.ts';
import { readRungs } from '../server/runs/rungs.ts';
import { DEFAULT_SET, readEvent } from '../shared/runs/event-line.ts';
import type { RunEvent } from '../shared/runs/events.ts';
import { PAUSED_AT_RUNG } from '../shared/runs/halving.ts';
import { eventsFile, runFiles } from '../shared/runs/run-folder.ts';

export class EarlyStop {
  readonly #runDir: string;
  /** Real tokens of each step; a step that is done again counts once. */
  readonly #tokens = new Map<number, number>();
  readonly #losses = new Map<number, number | null>();
  readonly #pauseAt: number | null;
  readonly #plateau: { evaluations: number; least: number } | null;
  #told = false;

  constructor(runDir: string) {
    this.#runDir = runDir;
    const entry = readEntry(runDir);
    this.#pauseAt = entry?.pauseAt ?? null;
    this.#plateau = entry?.plateau ?? null;
    if (entry === null || (this.#pauseAt === null && this.#plateau === null)) return;
    const path = join(runDir, eventsFile(0));
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const event = line === '' ? null : readEvent(line);
      if (event) this.#take(event);
    }
  }

  /** The phase that the run ends in when it is to end now; null: it goes on. Once it has answered it stays silent. */
  see(event: RunEvent): string | null {
    if (this.#told) return null;
    const before = this.#upTo(event.step);
    this.#take(event);
    if (event.type !== 'eval' || event.payload.set !== DEFAULT_SET) return null;
    const why = this.#atRung(event.step, before) ?? this.#onPlateau();
    this.#told = why !== null;
    return why;
  }

  #take(event: RunEvent): void {
    if (event.type === 'started')
      for (const kept of [this.#tokens, this.#losses])
        for (const step of kept.keys()) if (step > event.payload.resumed_from_step) kept.delete(step);
    if (event.type === 'step') this.#tokens.set(event.step, event.payload.metrics.tokens ?? 0);
    if (event.type === 'eval' && event.payload.set === DEFAULT_SET)
      this.#losses.set(event.step, event.payload.metrics.loss ?? null);
  }

  #upTo(last: number): number {
    let sum = 0;
    for (const [step, tokens] of this.#tokens) if (step <= last) sum += tokens;
    return sum;
  }

  #atRung(step: number, tokens: number): string | null {
    if (this.#pauseAt === null || tokens < this.#pauseAt) return null;
    const rungs = readRungs(this.#runDir);
    // Resumed by hand beyond its rung: it is not held again.
    if (rungs.some((rung) => rung.tokens >= Number(this.#pauseAt))) return null;
    const loss = this.#losses.get(step) ?? null;
    writeJsonAtomic(join(this.#runDir, runFiles.rungs), [...rungs, { tokens, step, loss }]);
    return PAUSED_AT_RUNG;
  }

  /** The newest evaluations were none of them better than the best before them by `least`. */
  #onPlateau(): string | null {
    if (this.#plateau === null) return null;
    const { evaluations, least } = this.#plateau;
    const losses = [...this.#losses]
      .sort(([a], [b]) => a - b)
      .map(([, loss]) => loss ?? Number.POSITIVE_INFINITY);
    if (losses.length <= evaluations) return null;
    const [before, newest] = [losses.slice(0, -evaluations), losses.slice(-evaluations)];
    if (Math.min(...newest) < Math.min(...before) - least) return null;
    return `Stopped: no better over ${evaluations} evaluations`;
  }
}
