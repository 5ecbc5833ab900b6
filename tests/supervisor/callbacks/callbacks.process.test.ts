/** Callbacks in real processes beside a run over the fake rank: what they can do, and every way of going wrong. The run ends as it would without them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readCallback } from '../../../electron/server/callbacks/source.ts';
import { TrustedCallbacks } from '../../../electron/server/callbacks/trust.ts';
import { readSupervisorFile } from '../../../electron/server/runs/folder.ts';
import { isAlive, processRef } from '../../../electron/server/runs/process.ts';
import { readSeries } from '../../../electron/server/runs/series-file.ts';
import { isLive } from '../../../electron/server/runs/status.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import { type FakeBehaviour, FakeHome } from '../harness.ts';

// Every test waits for processes, some for a limit of a second in them; nothing is asserted about when.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 90_000 });

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

const written = (name: string, code: string): string => {
  mkdirSync(join(fake.home, 'mine'), { recursive: true });
  const path = join(fake.home, 'mine', name);
  writeFileSync(path, code);
  return path;
};

/** A run with these callbacks, approved. */
function create(behaviour: FakeBehaviour, ...paths: string[]): string {
  const trusted = new TrustedCallbacks(fake.home);
  for (const path of paths) trusted.add(readCallback(path));
  return fake.create(behaviour, { callbacks: paths });
}

const ended = (id: string) => fake.until(id, (status) => !isLive(status));

async function runToEnd(behaviour: FakeBehaviour, ...paths: string[]): Promise<[id: string, RunStatus]> {
  const id = create(behaviour, ...paths);
  await fake.registry.start(id);
  return [id, await ended(id)];
}

const fileOf = (id: string, name: string) => readFileSync(join(fake.registry.dir(id), name), 'utf8');
const asked = (id: string) =>
  fileOf(id, 'events/callbacks.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'asked');

test('is told everything in order, and what it logs are metrics of the run at their steps', async () => {
  const mine = written(
    'mine.ts',
    `import { appendFileSync } from 'node:fs';
     import type { Callback } from './collie-callbacks.d.ts';
     const tell = (what: string, step: number | string): void => appendFileSync('told.txt', what + ' ' + step + '\\n');
     export default {
       onStart: ({ totalSteps, resumedFromStep }, run) => tell('start ' + run.name, totalSteps + ' ' + resumedFromStep),
       onStep: ({ step, metrics }, run) => { tell('step', step); run.log({ twice: 2 * (metrics.loss ?? 0) }); },
       onEvaluation: ({ set, step }) => tell('evaluation ' + set, step),
       onCheckpoint: ({ name, step }) => tell(name, step),
       onEnd: ({ state, error }) => tell('end ' + state, String(error)),
     } satisfies Callback;`,
  );
  const [id, status] = await runToEnd({ steps: 10, stepMs: 50, evalEvery: 5, checkpointEvery: 5 }, mine);
  expect(status).toMatchObject({ state: 'completed', step: 10, error: null });
  expect(status.callbacks).toMatchObject([{ name: 'mine', state: 'ended', error: null }]);
  const told = fileOf(id, 'callbacks/mine/told.txt').trimEnd().split('\n');
  expect(told[0]).toBe('start Fake run 10 0');
  expect(told).toContain('evaluation eval 5');
  expect(told).toContain('step-00000010 10');
  expect(told.at(-1)).toBe('end completed null');
  // Steps that came while it was loaded may be told as one; the last is told in any case.
  expect(told).toContain('step 10');
  const logged = (await readSeries(fake.registry.dir(id))).evals['callback:mine'];
  expect(logged?.names).toEqual(['mine/twice']);
  const last = (logged?.length ?? 0) - 1;
  expect(logged?.place(last)).toMatchObject({ step: 10, tokens: 1000, epoch: 1 });
  expect(logged?.at('mine/twice', last)).toBeCloseTo(0.6);
});

test('may ask for what the user has buttons for; the record says who asked', async () => {
  const mine = written(
    'asks.ts',
    `export default { onStep({ step }, run) { if (step > 2) { run.save(); run.save(); run.stop('enough'); } } };`,
  );
  const [id, status] = await runToEnd({ steps: 100_000, stepMs: 20, checkpointEvery: 1_000_000 }, mine);
  expect(status).toMatchObject({ state: 'stopped', phase: 'Stopped by the callback asks: enough' });
  expect(status.checkpoint).not.toBeNull();
  const requests = asked(id).map(({ payload }) => payload);
  expect(requests.slice(0, 2)).toEqual([
    { callback: 'asks', request: 'save' },
    { callback: 'asks', request: 'stop', reason: 'enough' },
  ]);
  expect(fake.log(id)).toContain('the callback asks asks at step');
});

const wrong: [what: string, code: string, error: RegExp][] = [
  [
    'throws',
    'export default {\n  onStep() {\n    throw new Error("no good");\n  },\n};',
    /^no good \(line 3 of throws\)/,
  ],
  ['rejects', 'export default { async onStep() { await null; throw new Error("late"); } };', /^late/],
  [
    'throws outside of its handlers',
    'setTimeout(() => { throw new Error("aside"); }, 20); export default { onEnd() {} };',
    /^aside/,
  ],
  ['exits', 'export default { onStep() { process.exit(3); } };', /its process ended with code 3/],
  ['kills itself', 'export default { onStep() { process.kill(process.pid, "SIGKILL"); } };', /SIGKILL/],
  [
    'loops for ever',
    'export default { limitSeconds: 1, onStep() { for (;;) ; } };',
    /onStep at step \d+ was not done after 1 seconds/,
  ],
  [
    'waits for ever',
    'export default { limitSeconds: 1, onStep: () => new Promise(() => {}) };',
    /was not done after 1 seconds/,
  ],
  [
    'eats memory',
    'export default { onStep() { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); } };',
    /its process|was not done/,
  ],
  ['is no callback', 'export default 7;', /could not be loaded: its default export is a number/],
];

// A run takes eight.
const halves = [wrong.slice(0, 5), wrong.slice(5)];

test.each(halves.map((half) => [half.map(([what]) => what).join(', '), half] as const))(
  'one that %s: each has ended by itself, and the run goes on',
  async (_what, wrong) => {
    const paths = wrong.map(([what, code]) => written(`${what.replaceAll(' ', '-')}.ts`, code));
    const fine = written('fine.ts', 'export default { onStep({ step }, run) { run.log({ step }); } };');
    const id = create({ steps: 100_000, stepMs: 20, checkpointEvery: 1_000_000 }, ...paths, fine);
    await fake.registry.start(id);
    const failed = ({ callbacks }: RunStatus) => callbacks.filter(({ state }) => state === 'failed');
    const told = await fake.until(id, (status) => failed(status).length >= wrong.length);
    for (const [k, [, , error]] of wrong.entries()) expect(told.callbacks[k]?.error).toMatch(error);
    const { step } = told;
    await fake.until(id, (status) => status.step > step + 3);
    await fake.registry.stop(id);
    const last = await ended(id);
    expect(last).toMatchObject({ state: 'stopped', error: null });
    expect(last.callbacks.at(-1)).toMatchObject({ name: 'fine', state: 'ended', error: null });
    expect(fake.log(id).match(/The run goes on without it\./g)).toHaveLength(wrong.length);
  },
);

test('one that floods waits for itself: what it logs, prints and asks for is bounded', async () => {
  const flood = written(
    'flood.ts',
    `const line = 'x'.repeat(1000);
     export default { limitSeconds: 3, onStep({ step }, run) {
       for (let k = 0; k < 5000; k++) run.log({ ['name' + k]: k, same: k, 'not a name': 1, nan: Number.NaN });
       run.save(); run.evaluate();
       for (;;) { run.save(); console.log(line); }
     } };`,
  );
  const id = create({ steps: 100_000, stepMs: 20, checkpointEvery: 1_000_000 }, flood);
  await fake.registry.start(id);
  const told = await fake.until(id, ({ callbacks }) => callbacks[0]?.state === 'failed');
  expect(told.callbacks[0]?.error).toMatch(/was not done after 3 seconds/);
  await fake.until(id, (status) => status.step > told.step + 3);
  await fake.registry.stop(id);
  expect(await ended(id)).toMatchObject({ state: 'stopped', error: null });
  const dir = fake.registry.dir(id);
  expect(readFileSync(join(dir, 'logs/callback-flood.log')).length).toBeLessThan(5 * 1024 * 1024);
  expect(asked(id).length).toBeLessThanOrEqual(2);
  const logged = (await readSeries(dir)).evals['callback:flood'];
  expect(logged?.names.length ?? 0).toBeLessThanOrEqual(32);
});

test('one that is slow misses steps, never holds them up, and the count is said once', async () => {
  const slow = written(
    'slow.ts',
    `import { appendFileSync } from 'node:fs';
     export default {
       onStep: async ({ step, missed }) => {
         appendFileSync('steps.txt', step + ' ' + missed + '\\n');
         await new Promise((resolve) => setTimeout(resolve, 400));
       },
     };`,
  );
  const [id, status] = await runToEnd({ steps: 200, stepMs: 5 }, slow);
  expect(status.state).toBe('completed');
  const told = fileOf(id, 'callbacks/slow/steps.txt')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number]);
  expect(told.at(-1)?.[0]).toBe(200);
  const missed = told.reduce((sum, [, count]) => sum + count, 0);
  expect(missed).toBeGreaterThan(0);
  expect(missed + told.length).toBe(200);
  expect(status.callbacks[0]?.missedSteps).toBe(missed);
  expect(fake.log(id).match(/was not told of/g)).toHaveLength(1);
});

test('at the end it gets its time, and no more', async () => {
  const mine = written('end.ts', 'export default { onEnd: () => new Promise(() => {}) };');
  const [, status] = await runToEnd({ steps: 3 }, mine);
  expect(status).toMatchObject({ state: 'completed', error: null });
  expect(status.callbacks[0]).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/15 seconds after the end/),
  });
});

test('one that never gives the processor back ends with a supervisor that is killed', async () => {
  const mine = written(
    'loops.ts',
    `import { writeFileSync } from 'node:fs';
     export default { limitSeconds: 600, onStep() { writeFileSync('pid', String(process.pid)); for (;;) ; } };`,
  );
  const id = create({ steps: 100_000, stepMs: 20, checkpointEvery: 1_000_000 }, mine);
  await fake.registry.start(id);
  const file = join(fake.registry.dir(id), 'callbacks/loops/pid');
  await expect
    .poll(() => existsSync(file) && readFileSync(file, 'utf8'), { timeout: 120_000 })
    .toMatch(/^\d+$/);
  const loops = processRef(Number(readFileSync(file, 'utf8')));
  expect(isAlive(loops)).toBe(true);
  process.kill(readSupervisorFile(fake.registry.dir(id))?.supervisor.pid ?? 0, 'SIGKILL');
  await expect.poll(() => isAlive(loops), { timeout: 120_000 }).toBe(false);
});

test('after a resume the code of the start runs, and what was logged beyond the checkpoint is void', async () => {
  const mine = written(
    'mine.ts',
    'export default { onStep({ step }, run) { run.log({ step, version: 1 }); } };',
  );
  const id = create({ steps: 40, stepMs: 20, checkpointEvery: 10, dieAt: { step: 25, how: 'kill' } }, mine);
  await fake.registry.start(id);
  expect((await ended(id)).state).toBe('failed');
  writeFileSync(mine, 'export default { onStep({ step }, run) { run.log({ version: 2 }); } };');
  await fake.registry.resume(id);
  expect((await ended(id)).state).toBe('completed');
  const logged = (await readSeries(fake.registry.dir(id))).evals['callback:mine'];
  const steps = [...(logged?.axis('step') ?? [])];
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  expect(steps.at(-1)).toBe(40);
  expect([...(logged?.metric('mine/version') ?? [])].every((version) => version === 1)).toBe(true);
  const seqs = fileOf(id, 'events/callbacks.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).seq);
  expect(seqs).toEqual(seqs.map((_, index) => index));
});

test('a run whose callback was not approved as it is does not start; nothing of it runs', async () => {
  const path = written(
    'foreign.ts',
    `import { writeFileSync } from 'node:fs'; writeFileSync('${fake.home}/ran', '');\nexport default { onStep() {} };`,
  );
  const id = fake.create({ steps: 3 }, { callbacks: [path] });
  await expect(fake.registry.start(id)).rejects.toMatchObject({ code: 'callback.not_trusted' });
  expect(existsSync(join(fake.home, 'ran'))).toBe(false);
  // Approved, and then changed where it runs.
  new TrustedCallbacks(fake.home).add(readCallback(path));
  const copy = join(fake.registry.dir(id), 'callbacks/foreign.ts');
  writeFileSync(copy, `${readFileSync(copy, 'utf8')}// more`);
  await expect(fake.registry.start(id)).rejects.toMatchObject({ code: 'callback.not_trusted' });
  expect(existsSync(join(fake.home, 'ran'))).toBe(false);
});
