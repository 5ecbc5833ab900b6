/** Asking and pausing while it trains: answers come, and the training ends with the same bits as without. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readEvents, type SpecPatch } from '../support/rank.ts';
import {
  metricsOf,
  noEngine,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
  weightsAt,
} from './support.ts';

const STEPS = 12;
const losses = (run: string) => metricsOf(readEvents(run), 'step').map(({ step, loss }) => [step, loss]);

const request = {
  adapter: true,
  ids: [1, 5, 9],
  stop_ids: [],
  max_new_tokens: 6,
  temperature: 0.8,
  top_k: 0,
  top_p: 1,
  seed: 7,
};

type Line = { token?: number; finish?: string; step?: number; seconds?: number; error?: { code: string } };
const answerOf = (run: string, id: string): Line[] => {
  const path = join(run, 'answers', `${id}.jsonl`);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
};
const isWhole = (lines: readonly Line[]) => lines.some((line) => 'finish' in line || 'error' in line);
const whole = async (run: string, id: string): Promise<Line[]> => {
  await vi.waitUntil(() => isWhole(answerOf(run, id)), { timeout: 60_000 });
  return answerOf(run, id);
};

const layouts: [string, SpecPatch][] = [
  ['one rank, LoRA with dropout', { method: { type: 'lora', rank: 4, alpha: 8, dropout: 0.2 } }],
  ['one rank, full fine-tuning', { method: { type: 'full' } }],
  ['tensor and pipeline parallel', { parallel: { tp_size: 2, pp_size: 2 } }],
  ['ZeRO 3', { method: { type: 'full' }, parallel: { dp_size: 2, zero_stage: 3 } }],
];

describe.skipIf(noEngine)('the live model', () => {
  const root = temporaryFolder();

  it.each(layouts)('answers between two steps and pauses: %s', async (_name, spec) => {
    const settings = { ...spec, duration: { unit: 'steps', value: STEPS } } as const;
    const straight = tinyRun(root, settings);
    await trainToEnd(straight);

    const asked = tinyRun(root, settings);
    const training = new TrainProcess(asked);
    training.send('pause');
    await training.event('phase', ({ payload }) => (payload as { name: string }).name === 'paused');
    training.send('ask', { id: 'one', request });
    training.send('ask', { id: 'base', request: { ...request, adapter: false, temperature: 0 } });
    training.send('ask', { id: 'wrong', request: { ...request, max_new_tokens: 0 } });
    training.send('ask', { id: '../outside', request });
    const [one, base, wrong] = await Promise.all(['one', 'base', 'wrong'].map((id) => whole(asked, id)));
    training.send('continue');
    await training.event('step', ({ step }) => step >= 4);
    training.send('ask', { id: 'later', request });
    const later = await whole(asked, 'later');
    expect(await training.ended).toMatchObject({ code: 0 });

    for (const answer of [one, base, later]) {
      expect(answer?.at(-1)).toMatchObject({ finish: 'length', seconds: expect.any(Number) });
      expect(answer?.filter((line) => line.token !== undefined)).toHaveLength(6);
    }
    expect(later.at(-1)?.step).toBeGreaterThanOrEqual(4);
    expect(wrong).toMatchObject([{ error: { code: 'request.invalid' } }]);
    expect(readdirSync(join(asked, 'answers')).sort()).toEqual(
      ['base', 'later', 'one', 'wrong'].map((id) => `${id}.jsonl`),
    );
    expect(weightsAt(asked, STEPS)).toEqual(weightsAt(straight, STEPS));
    expect(losses(asked)).toEqual(losses(straight));
  });

  it('forgets a question that is cancelled, and stops while it is paused', async () => {
    const run = tinyRun(root, { duration: { unit: 'steps', value: 1000 } });
    const training = new TrainProcess(run);
    training.send('pause');
    await training.event('phase', ({ payload }) => (payload as { name: string }).name === 'paused');
    training.send('ask', { id: 'endless', request: { ...request, max_new_tokens: 4000 } });
    await vi.waitUntil(() => answerOf(run, 'endless').length > 1, { timeout: 60_000 });
    training.send('cancel', { id: 'endless' });
    expect((await whole(run, 'endless')).at(-1)).toMatchObject({ finish: 'cancelled' });
    training.send('stop');
    expect(await training.ended).toMatchObject({ code: 0 });
    expect(readdirSync(join(run, 'checkpoints'))).toHaveLength(1);
  });
});
