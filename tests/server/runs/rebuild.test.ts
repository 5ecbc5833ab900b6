/** Status and environment of runs whose files were broken, emptied or lost, and the order in which files are read. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readStatus, writeJsonAtomic } from '../../../electron/server/runs/folder.ts';
import { environmentOf } from '../../../electron/server/runs/rebuild.ts';
import { FakeHome } from '../../supervisor/harness.ts';

/** What happens while the status is being worked out, between two of its reads. */
let meanwhile: () => void = () => {};
vi.mock('../../../electron/server/runs/process.ts', async (original) => ({
  ...(await original<typeof import('../../../electron/server/runs/process.ts')>()),
  isAlive: () => {
    meanwhile();
    return false;
  },
}));

let fake: FakeHome;
let id: string;
let dir: string;
beforeEach(() => {
  fake = new FakeHome();
  id = fake.create();
  dir = fake.registry.dir(id);
  meanwhile = () => {};
});
afterEach(() => fake.remove());

let seq = 0;
const event = (type: string, step: number, payload: object) =>
  `${JSON.stringify({ v: 1, rank: 0, seq: seq++, timeUs: 1.7e15 + step * 1e6, step, type, payload })}\n`;
const started = event('started', 0, {
  attempt: 2,
  resumed_from_step: 0,
  total_steps: 30,
  train_rows: 10,
  eval_rows: 2,
  trainable_params: 1,
  total_params: 2,
  device: 'cpu',
  threads: 2,
});
const steps = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    event('step', index + 1, {
      loss: 2 - index / 100,
      learning_rate: 0.1,
      grad_norm: 1,
      epoch: 0.5,
      tokens: 5,
      target_tokens: 3,
      step_seconds: 1,
      tokens_per_second: 5,
      memory_bytes: 1,
      memory_peak_bytes: 1,
    }),
  ).join('');
const write = (text: string) => writeFileSync(join(dir, 'events/rank-000.jsonl'), text);

test.each(['', '{"v":1,', '[]', 'null', '{"v":9}', '\u0000'.repeat(100)])(
  'a status that reads %j is made anew from spec, events and checkpoints',
  (broken) => {
    writeFileSync(join(dir, 'status.json'), broken);
    write(started + steps(30) + event('finished', 30, { reason: 'completed', seconds: 5, tokens: 100 }));
    mkdirSync(join(dir, 'checkpoints/step-00000030'));
    writeFileSync(join(dir, 'checkpoints/step-00000030/DONE'), '');
    expect(fake.registry.status(id)).toMatchObject({
      id,
      name: 'Fake run',
      state: 'completed',
      step: 30,
      totalSteps: 30,
      attempt: 2,
      lastLoss: expect.closeTo(1.71),
      checkpoint: 'step-00000030',
      error: null,
    });
    expect(fake.registry.get(id).status.state).toBe('completed');
  },
);

test('of a run that failed the error is told, of one that was cut off that nobody knows; a missing file is no other case', () => {
  rmSync(join(dir, 'status.json'));
  write(started + steps(7));
  expect(fake.registry.status(id)).toMatchObject({ state: 'failed', step: 7, error: { code: 'rank.died' } });
  expect(fake.registry.list()).toHaveLength(1);
  const error = { code: 'train.non_finite', message: 'The loss is NaN.', hint: '', data: {} };
  write(started + steps(7) + event('error', 7, error));
  expect(fake.registry.status(id)).toMatchObject({ state: 'failed', error: { code: 'train.non_finite' } });
});

test('an environment that cannot be read says so and what the events know', () => {
  expect(environmentOf(dir)).toEqual({});
  write(started);
  for (const broken of ['', '{', '[1]']) {
    writeFileSync(join(dir, 'environment.json'), broken);
    expect(environmentOf(dir)).toMatchObject({
      problem: expect.stringContaining('environment.json'),
      device: 'cpu',
      attempts: [{ attempt: 2 }],
    });
    expect(fake.registry.get(id).environment).toMatchObject({ device: 'cpu' });
  }
});

test('a run that completes while its status is read does not show as failed', () => {
  const running = { ...readStatus(dir), state: 'running', supervisorPid: 12 };
  writeJsonAtomic(join(dir, 'status.json'), running);
  const owner = { v: 1, supervisor: { pid: 12, start: '1' }, socket: '', rank: null };
  writeJsonAtomic(join(dir, 'supervisor.json'), owner);
  meanwhile = () => writeJsonAtomic(join(dir, 'status.json'), { ...running, state: 'completed' });
  expect(fake.registry.status(id)).toMatchObject({ state: 'completed', error: null });
});

test('a clock that was set back does not keep a run that never started alive', () => {
  const status = readStatus(dir);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  writeJsonAtomic(join(dir, 'status.json'), { ...status, updatedAt: tomorrow });
  expect(fake.registry.status(id).state).toBe('failed');
});

test('alarms of a run are in its new status; those of steps that were trained again are not', () => {
  const alarm = (kind: string, step: number, timeUs: number) =>
    `${JSON.stringify({ v: 1, kind, step, timeUs, message: 'm', cause: 'c', advice: 'a' })}\n`;
  const startedAt = 1.7e15;
  writeFileSync(
    join(dir, 'alarms.jsonl'),
    alarm('plateau', 0, startedAt - 9) +
      alarm('loss_spike', 12, startedAt - 5) +
      alarm('gradient_norm', 14, startedAt + 14e6) +
      '{"v":1,"kind":"torn',
  );
  writeFileSync(join(dir, 'status.json'), '');
  write(started + steps(30));
  expect(fake.registry.status(id).alarms.map(({ kind, step }) => [kind, step])).toEqual([
    ['plateau', 0],
    ['gradient_norm', 14],
  ]);
});
