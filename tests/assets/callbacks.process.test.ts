/** The callbacks that are shipped to begin with: each runs beside a run and does what its head says. Importing them holds them to their types. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import chatMessage from '../../assets/callbacks/chat-message.ts';
import earlyStop from '../../assets/callbacks/early-stop.ts';
import lossCsv from '../../assets/callbacks/loss-csv.ts';
import { readCallback } from '../../electron/server/callbacks/source.ts';
import { TrustedCallbacks } from '../../electron/server/callbacks/trust.ts';
import { readSeries } from '../../electron/server/runs/series-file.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import type { Callback } from '../../electron/shared/runs/callback-types.ts';
import { checkCallback } from '../../electron/supervisor/callbacks/shape.ts';
import { type FakeBehaviour, FakeHome } from '../supervisor/harness.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 90_000 });

const shipped: readonly Callback[] = [chatMessage, earlyStop, lossCsv];

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

test('all are of the form that the product takes', () => {
  for (const callback of shipped) expect(() => checkCallback(callback)).not.toThrow();
});

async function runWith(name: string, behaviour: FakeBehaviour) {
  const path = resolve(import.meta.dirname, '../../assets/callbacks', name);
  new TrustedCallbacks(fake.home).add(readCallback(path));
  const id = fake.create(behaviour, { callbacks: [path] });
  await fake.registry.start(id);
  const status = await fake.until(id, (now) => !isLive(now));
  expect(status.callbacks).toMatchObject([{ state: 'ended', error: null }]);
  return { status, dir: fake.registry.dir(id) };
}

test('loss-csv writes the loss of steps', async () => {
  const { dir } = await runWith('loss-csv.ts', { steps: 30, stepMs: 50 });
  const [head, ...rows] = readFileSync(join(dir, 'callbacks/loss-csv/loss.csv'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(head).toBe('step,loss,learning_rate');
  expect(rows.at(-1)).toBe('30,0.1,0.001');
});

test('early-stop logs the gap, and stops a run whose evaluation gets worse', async () => {
  // Falls with every step, so it never stops; the smoothed training loss lags behind.
  const { status, dir } = await runWith('early-stop.ts', { steps: 40, stepMs: 30, evalEvery: 2 });
  expect(status.state).toBe('completed');
  const logged = (await readSeries(dir)).evals['callback:early-stop'];
  expect(logged?.names.sort()).toEqual(['early-stop/best', 'early-stop/gap']);
  const rising = await runWith('early-stop.ts', { steps: 100_000, stepMs: 30, evalEvery: 2, evalRise: 0.2 });
  expect(rising.status.state).toBe('stopped');
  expect(rising.status.phase).toMatch(/^Stopped by the callback early-stop: loss/);
});

test('chat-message tells the chat when a run starts and ends', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      heard.push(JSON.parse(text).text);
      response.end();
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  process.env.COLLIE_CHAT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await runWith('chat-message.ts', { steps: 20, stepMs: 20, evalEvery: 5, evalLoss: 1.5 });
    expect(heard).toEqual([
      'Fake run: starts on cpu, 20 steps',
      'Fake run: completed, evaluation loss 1.500',
    ]);
  } finally {
    delete process.env.COLLIE_CHAT_URL;
    await new Promise((closed) => server.close(closed));
  }
});
