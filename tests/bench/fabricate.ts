/** Runs that never trained: folders as the supervisor and the engine leave them, with curves of any length. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENTS_VERSION } from '../../electron/shared/runs/events.ts';
import { uniform } from '../../electron/shared/spec/uniform.ts';

const FIRST_US = 1_760_000_000_000_000;
const STEP_US = 400_000;

const line = (seq: number, step: number, type: string, payload: object) =>
  `${JSON.stringify({ payload, rank: 0, seq, step, timeUs: FIRST_US + step * STEP_US + seq, type, v: EVENTS_VERSION })}\n`;

/** What a step measures: a noisy falling loss, warm-up and linear decay. */
export function stepMetrics(step: number, total: number, next: () => number): Record<string, number> {
  const noise = next() - 0.5;
  return {
    epoch: (step / total) * 3,
    grad_norm: 0.6 + 1.5 * Math.exp(-step / 500) + Math.abs(noise),
    learning_rate: 2e-4 * Math.min(step / (0.05 * total), 1 - step / (total + 1)),
    loss: 0.8 + 2.4 * Math.exp(-step / (total / 8)) + 0.3 * noise,
    memory_bytes: 1_240_000_000 + Math.round(noise * 1e6),
    memory_peak_bytes: 1_310_000_000,
    step_seconds: 0.38 + noise / 50,
    target_tokens: 568,
    tokens: 1312,
    tokens_per_second: 3300 + noise * 200,
  };
}

/** The lines of an events file with a `rank_step` beside every step, as the engine writes them. */
export function* eventLines(steps: number, total = steps, seed = 1): Generator<string> {
  const next = uniform(seed);
  let seq = 0;
  yield line(seq++, 0, 'started', {
    attempt: 1,
    device: 'cpu',
    eval_rows: 200,
    resumed_from_step: 0,
    threads: 2,
    total_steps: total,
    train_rows: 40_000,
    trainable_params: 4_884_480,
    total_params: 139_399_488,
  });
  const every = Math.max(1, Math.round(total / 100));
  for (let step = 1; step <= steps; step++) {
    yield line(seq++, step, 'rank_step', {
      compute_seconds: 0.37,
      memory_bytes: 1_240_000_000,
      memory_peak_bytes: 1_310_000_000,
      step_seconds: 0.38,
      wait_seconds: 0.01,
    });
    yield line(seq++, step, 'step', { metrics: stepMetrics(step, total, next) });
    if (step % every === 0) {
      const loss = 0.9 + 2.3 * Math.exp(-step / (total / 8)) + 0.02 * next();
      const metrics = {
        eval_seconds: 1.4,
        loss,
        perplexity: Math.exp(loss),
        target_tokens: 1136,
        token_accuracy: 0.85 - loss / 6,
      };
      yield line(seq++, step, 'eval', { metrics, set: 'eval' });
    }
  }
  if (steps >= total)
    yield line(seq, total, 'finished', { reason: 'completed', seconds: total * 0.4, tokens: total * 1312 });
}

/** Writes the events file of a run folder. */
export function writeEvents(runDir: string, steps: number, total = steps, seed = 1): void {
  mkdirSync(join(runDir, 'events'), { recursive: true });
  const pieces = [...eventLines(steps, total, seed)];
  writeFileSync(join(runDir, 'events/rank-000.jsonl'), pieces.join(''));
}
