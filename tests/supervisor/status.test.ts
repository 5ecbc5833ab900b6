/** What events do to the status, and writing it when the disk does not play along. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newestCheckpoint } from '../../electron/server/runs/checkpoints.ts';
import { readSamples, readStatus } from '../../electron/server/runs/folder.ts';
import { EVENTS_VERSION, type RunEvent } from '../../electron/shared/runs/events.ts';
import { SampleFile } from '../../electron/supervisor/samples.ts';
import { applyEvent, StatusFile } from '../../electron/supervisor/status.ts';
import { StepClock } from '../../electron/supervisor/step-clock.ts';
import { exampleSpec, FakeHome } from './harness.ts';

const event = (type: RunEvent['type'], step: number, payload: object, seconds = step): RunEvent =>
  ({ v: EVENTS_VERSION, rank: 0, seq: step, timeUs: seconds * 1e6, step, type, payload }) as RunEvent;
const started = (resumed: number, total: number) =>
  event('started', resumed, { resumed_from_step: resumed, total_steps: total });
const step = (number: number, seconds: number) =>
  event('step', number, { metrics: { loss: 2, tokens_per_second: 100, step_seconds: 1 } }, seconds);

test('events move the status on', () => {
  const fake = new FakeHome();
  const clock = new StepClock();
  const see = (one: RunEvent) => {
    status = applyEvent(status, one, clock);
  };
  let status = { ...fake.registry.status(fake.create()), state: 'starting' as const } as ReturnType<
    typeof readStatus
  >;
  fake.remove();
  see(started(0, 100));
  expect(status).toMatchObject({ state: 'starting', totalSteps: 100, step: 0 });
  see(event('phase', 0, { name: 'loading_model', progress: 0.5 }));
  expect(status).toMatchObject({ state: 'starting', phase: 'Loading model', phaseProgress: 0.5 });
  see(event('phase', 0, { name: 'training', progress: null }));
  expect(status.state).toBe('running');
  see(event('changed', 0, { learning_rate: 1e-4, total_steps: 200 }));
  expect(status.totalSteps).toBe(200);
  see(event('changed', 0, { learning_rate: 1e-4, total_steps: 100 }));
  see(step(1, 10));
  expect(status).toMatchObject({
    step: 1,
    lastLoss: 2,
    tokensPerSecond: 100,
    phaseProgress: 0.01,
    etaSeconds: 99,
  });
  see(event('eval', 1, { set: 'eval', metrics: { loss: 1.5 } }));
  see(event('eval', 1, { set: 'another', metrics: { loss: 9 } }));
  see(event('checkpoint', 1, { name: 'step-00000001' }));
  expect(status).toMatchObject({ lastEvalLoss: 1.5, checkpoint: 'step-00000001' });
  status = { ...status, state: 'stopping', phase: 'Stopping' };
  see(step(2, 20));
  expect(status).toMatchObject({ state: 'stopping', phase: 'Stopping', step: 2 });
});

test('the time left counts what lies between steps, and starts again after a resume', () => {
  const clock = new StepClock();
  clock.see(started(0, 100));
  for (let number = 1; number <= 10; number += 1) clock.see(step(number, number * 3));
  expect(clock.secondsLeft(100)).toBeCloseTo(270);
  expect(clock.secondsLeft(null)).toBeNull();
  clock.see(started(10, 100));
  expect(clock.secondsLeft(100)).toBeNull();
  clock.see(step(11, 1000));
  expect(clock.secondsLeft(100)).toBeCloseTo(89);
});

test('a status that cannot be written anew is written in place, and says so', () => {
  const fake = new FakeHome();
  const dir = fake.registry.dir(fake.create());
  const problems: string[] = [];
  const file = new StatusFile(dir, readStatus(dir), (message) => problems.push(message));
  // The temporary file's name is taken by a folder: writing it fails as it does on a full disk.
  mkdirSync(join(dir, `.status.json.${process.pid}.tmp`));
  file.update({ phase: 'Training', step: 7 });
  file.flush();
  expect(problems).toHaveLength(1);
  expect(readStatus(dir)).toMatchObject({ phase: 'Training', step: 7 });
  fake.remove();
});

test('samples are decoded, and those that a resume makes void are dropped', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'collie-samples-'));
  mkdirSync(join(dir, 'events'));
  const spec = exampleSpec(dir);
  spec.sampling.prompts = ['Hello?'];
  const sample = (number: number) =>
    event('sample', number, { prompt_index: 0, ids: [number], finish: 'stop' });
  const counts = { attempt: 1, train_rows: 1, eval_rows: 1, trainable_params: 1, total_params: 1 };
  const full = (one: RunEvent): object =>
    one.type === 'started' ? { ...one.payload, ...counts, device: 'cpu', threads: 1 } : one.payload;
  const line = (one: RunEvent, seq: number) => `${JSON.stringify({ ...one, seq, payload: full(one) })}\n`;
  const events = [started(0, 100), sample(10), sample(20), sample(30), started(20, 100)];
  writeFileSync(join(dir, 'events/rank-000.jsonl'), `${events.map(line).join('')}{"torn`);
  const file = new SampleFile(dir, spec, async (ids) => `token ${ids.join(' ')}`);
  await file.rebuild(dir);
  const steps = () => readSamples(dir).map((one) => one.step);
  expect(steps()).toEqual([10, 20]);
  await file.see(sample(30));
  expect(readSamples(dir).at(-1)).toEqual({
    step: 30,
    promptIndex: 0,
    prompt: 'Hello?',
    text: 'token 30',
    finish: 'stop',
  });
  await file.see(started(10, 100));
  expect(steps()).toEqual([10]);
  writeFileSync(
    join(dir, 'samples/samples.jsonl'),
    `${readFileSync(join(dir, 'samples/samples.jsonl'), 'utf8')}{"st`,
  );
  expect(steps()).toEqual([10]);
  expect(newestCheckpoint(dir)).toBeNull();
  rmSync(dir, { recursive: true });
});
