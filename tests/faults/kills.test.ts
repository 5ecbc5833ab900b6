/**
 * collie-rank killed at any moment, again and again until it is through: no half checkpoint, no process, no temporary file, and the same
 * weights to the bit as a run that nobody disturbed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive, processRef } from '../../electron/server/runs/process.ts';
import {
  checkpoints,
  fileBytes,
  noEngine,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from '../engine/support.ts';
import { uniform } from '../support/random.ts';
import { KILLS, report, SEED } from './campaign.ts';

const LAST = 'step-00000012';
/** One kill of five comes while the rank loads, the others so many milliseconds at most after its first step. */
const WHILE_LOADING = 0.2;
const LOADING_MS = 600;
const TRAINING_MS = 60;
const settings = { duration: { unit: 'steps', value: 12 }, checkpoint: { every_steps: 1, keep: 3 } } as const;

/** Not what a kill left in the middle of writing or removing one; that has to be gone when the run has ended. */
const whole = (run: string) =>
  checkpoints(run).filter(
    (name) => /^step-\d+$/.test(name) && existsSync(join(run, 'checkpoints', name, 'DONE')),
  );

describe.skipIf(noEngine)('kills', () => {
  const root = temporaryFolder();

  test(`${KILLS} at any moment`, async () => {
    const undisturbed = tinyRun(root, settings);
    await trainToEnd(undisturbed);
    const weights = (run: string) => fileBytes(run, 'checkpoints', LAST, 'adapter.safetensors');
    const next = uniform(SEED);
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    for (let kills = 0; kills < KILLS; ) {
      const run = tinyRun(root, settings);
      let undone = true;
      while (whole(run).at(-1) !== LAST) {
        const newest = whole(run).at(-1);
        const begun = Date.now();
        const training = new TrainProcess(run, newest);
        const process_ = processRef(training.child.pid ?? 0);
        // The moment is drawn, so that kills meet loading, steps and checkpoints alike.
        const early = next() < WHILE_LOADING;
        const delay = next() * (early ? LOADING_MS : TRAINING_MS);
        // Not a step of an earlier attempt, which may have come further than its last checkpoint.
        if (!early) await training.event('step', ({ timeUs }) => timeUs > begun * 1000).catch(() => {});
        const timer = setTimeout(() => training.child.kill('SIGKILL'), delay);
        const { code, signal } = await training.ended;
        clearTimeout(timer);
        expect(isAlive(process_)).toBe(false);
        undone = signal === 'SIGKILL';
        if (undone) kills += 1;
        else expect(code).toBe(0);
        count(
          signal === null
            ? 'ended well'
            : newest === undefined
              ? 'killed in the first attempt'
              : 'killed after a resume',
        );
        expect(Number(whole(run).at(-1)?.slice(5) ?? 0)).toBeGreaterThanOrEqual(
          Number(newest?.slice(5) ?? 0),
        );
      }
      expect(weights(run)).toBe(weights(undisturbed));
      // One that was killed after its last checkpoint may have been removing an old one, and nobody resumes it.
      if (!undone) expect(whole(run)).toEqual(checkpoints(run));
      expect(readdirSync(join(run, 'checkpoints', LAST)).filter((name) => /tmp|partial/.test(name))).toEqual(
        [],
      );
      count('runs, all equal to the undisturbed one');
    }
    report('kills', outcomes);
  }, 3_600_000);
});
