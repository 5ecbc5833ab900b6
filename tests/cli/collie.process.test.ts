/** The command line as a process: what it prints, its exit codes, Ctrl-C; and that runs survive whoever started them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { isLive } from '../../electron/server/runs/status.ts';
import { exampleSpec, FakeHome, fakeRank } from '../supervisor/harness.ts';

// Every command is a process of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const main = resolve(import.meta.dirname, '../../dist/electron/cli/main.js');
let fake: FakeHome;
const children: ChildProcess[] = [];
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fake.remove();
});

interface Running {
  child: ChildProcess;
  output: () => string;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function collie(...args: string[]): Running {
  const env = { ...process.env, COLLIE_HOME: fake.home, COLLIE_RANK: fakeRank, NO_COLOR: '1' };
  const child = spawn(process.execPath, [main, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((done) =>
    child.once('close', (code) => done({ code, stdout, stderr })),
  );
  return { child, output: () => stdout + stderr, ended };
}

async function until(test: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!test()) {
    if (Date.now() > end) throw new Error(`waited too long: ${what()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

test('validate prints every problem as path: message and exits 1', async () => {
  const path = join(fake.home, 'spec.json');
  writeFileSync(
    path,
    JSON.stringify({ method: { type: 'lora', rank: 0 }, optimizer: { type: 'adamw' }, colour: 1 }),
  );
  const { code, stdout } = await collie('validate', path, '--set', 'batch.seq_len=4').ended;
  expect(code).toBe(1);
  for (const field of ['model', 'dataset', 'method.rank', 'batch.seq_len', 'colour']) {
    expect(stdout).toMatch(new RegExp(`^${field.replace('.', '\\.')}[^:\\n]*: .+`, 'm'));
  }
});

test('validate takes another method by --set, and checks it', async () => {
  const path = join(fake.home, 'methods.json');
  const method = { type: 'lora', rank: 8, dropout: 0.1 };
  writeFileSync(path, JSON.stringify({ method, optimizer: { type: 'adamw' } }));
  const [dora, adalora, unknown] = await Promise.all([
    collie('validate', path, '--set', 'method.type=dora', '--set', 'method.rank=0').ended,
    collie('validate', path, '--set', 'method.type=adalora', '--set', 'method.target_rank=20').ended,
    collie('validate', path, '--set', 'method.type=dorra').ended,
  ]);
  expect(dora.stderr).toContain('method.dropout is left out: dora has no such setting.');
  expect(dora.stdout).toMatch(/^method\.rank: Rank is 0; expected: a whole number from 1 to 512/m);
  expect(dora.stdout).not.toContain('method.dropout');
  expect(adalora.stdout).toMatch(/^method\.target_rank: The target rank is 20 and the first rank 12/m);
  expect(unknown.stdout).toMatch(
    /^method\.type: Method is "dorra"; expected: one of lora, dora,.*Did you mean "dora"/m,
  );
  for (const { code } of [dora, adalora, unknown]) expect(code).toBe(1);
});

test('a file that is no JSON, a missing file and a wrong --set are one clear error each', async () => {
  const path = join(fake.home, 'spec.json');
  writeFileSync(path, '{"model": ');
  const [broken, missing, set] = await Promise.all([
    collie('validate', path).ended,
    collie('run', join(fake.home, 'nope.json')).ended,
    collie('validate', path, '--set', 'nonsense', '--json').ended,
  ]);
  expect(broken).toMatchObject({ code: 1 });
  expect(broken.stderr).toContain('is no JSON');
  expect(missing.stderr).toContain('file.not_found');
  expect(missing.stderr).toContain('next');
  expect(JSON.parse(set.stdout)).toMatchObject({ error: { code: 'spec.invalid' } });
  expect((await collie('export', 'x').ended).code).toBe(1);
});

test('run follows a run to its end; --json prints its last status', async () => {
  const id = fake.createStopped({ steps: 15 });
  const { code, stdout, stderr } = await collie('run', '--resume', id, '--json').ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ id, state: 'completed', step: 15 });
  expect(stderr).toContain(id);
});

test('a reader who has had enough is no error', () => {
  const spec = join(fake.home, 'spec.json');
  writeFileSync(spec, JSON.stringify(exampleSpec(fake.home)));
  const script = `"$0" "$1" slurm "$2" | true; exit \${PIPESTATUS[0]}`;
  const result = spawnSync('bash', ['-c', script, process.execPath, main, spec], { encoding: 'utf8' });
  expect(result).toMatchObject({ status: 0, stderr: '' });
});

test('plan says what is wrong with a layout by its setting', async () => {
  const spec = join(fake.home, 'spec.json');
  writeFileSync(spec, JSON.stringify({ ...exampleSpec(fake.home), parallel: { dp_size: 0 } }));
  const { code, stderr } = await collie('plan', spec).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('error spec.invalid');
  expect(stderr).toMatch(/^ {2}parallel\.dp_size: .*\b0\b/m);
});

test('a failed run is an error with its code, and its exit code', async () => {
  const id = fake.createStopped({ dieAt: { step: 7, how: 'error' } });
  const { code, stderr } = await collie('run', '--resume', id).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('train.non_finite');
});

test('Ctrl-C stops and saves; a second one ends at once', async () => {
  const polite = fake.createStopped({ steps: 100_000, stepMs: 5, checkpointEvery: 100_000 });
  const stubborn = fake.createStopped({ steps: 100_000, stepMs: 5, ignoreStop: true });
  const first = collie('run', '--resume', polite);
  await fake.until(polite, ({ step }) => step > 3);
  await until(() => first.output().includes('Training'), first.output);
  first.child.kill('SIGINT');
  const stopped = await first.ended;
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toContain(`collie run --resume ${polite}`);
  expect(fake.registry.status(polite)).toMatchObject({ state: 'stopped', checkpoint: expect.any(String) });

  const second = collie('run', '--resume', stubborn);
  await until(() => second.output().includes('Training'), second.output);
  second.child.kill('SIGINT');
  await fake.until(stubborn, ({ state }) => state === 'stopping');
  second.child.kill('SIGINT');
  expect((await second.ended).code).toBe(130);
  expect(fake.registry.status(stubborn).state).toBe('stopped');
});

/** Starts `collie serve` and waits for its address. */
async function serve(): Promise<{ child: ChildProcess; socket: WebSocket }> {
  const server = collie('serve', '--port', '0');
  await until(() => /http:\/\/\S+token=\S+/.test(server.output()), server.output);
  const address = new URL(/http:\/\/\S+/.exec(server.output())?.[0] ?? '');
  const socket = new WebSocket(`ws://${address.host}/api${address.search}`);
  await new Promise((done, fail) => socket.once('open', done).once('error', fail));
  return { child: server.child, socket };
}

test('a run survives its window: the host is killed, the run goes on, a new host has the whole of it', async () => {
  const id = fake.createStopped({ steps: 100_000, stepMs: 5, checkpointEvery: 100_000 });
  const first = await serve();
  const started = new Promise((done) =>
    first.socket.once('message', (data) => done(JSON.parse(String(data)))),
  );
  first.socket.send(JSON.stringify({ id: 1, method: 'runs.resume', params: { id } }));
  expect(await started).toEqual({ id: 1, result: {} });
  const before = await fake.until(id, ({ step }) => step > 10);
  first.child.kill('SIGKILL');
  await new Promise((done) => first.child.once('exit', done));

  const during = await fake.until(id, ({ step }) => step > before.step + 50);
  expect(during).toMatchObject({ state: 'running', supervisorPid: before.supervisorPid });

  const second = await serve();
  const steps: number[] = [];
  second.socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    for (const event of message.event?.events ?? []) if (event.type === 'step') steps.push(event.step);
  });
  second.socket.send(JSON.stringify({ id: 1, subscribe: 'runs.events', params: { id, afterSeq: -1 } }));
  await until(
    () => (steps.at(-1) ?? 0) > during.step + 50,
    () => `${steps.length} steps`,
  );
  expect(steps).toEqual(steps.map((_, index) => index + 1));

  second.socket.send(JSON.stringify({ id: 2, method: 'runs.stop', params: { id } }));
  expect(await fake.until(id, (status) => !isLive(status))).toMatchObject({ state: 'stopped', attempt: 1 });
  expect(readFileSync(join(fake.registry.dir(id), 'logs/rank-000.log'), 'utf8')).toContain('asked to stop');
});

test('doctor says what is there as JSON, and exits 1 when the engine does not start', async () => {
  const { code, stdout } = await collie('doctor', '--json').ended;
  const { usable, findings } = JSON.parse(stdout);
  const states = Object.fromEntries(
    findings.map(({ id, state }: { id: string; state: string }) => [id, state]),
  );
  expect(states).toMatchObject({ node: 'ok', 'engine.cpu': 'ok', home: 'ok' });
  expect(code).toBe(usable ? 0 : 1);
  const broken = spawnSync(process.execPath, [main, 'doctor'], {
    encoding: 'utf8',
    env: { ...process.env, COLLIE_HOME: fake.home, COLLIE_RANK: join(fake.home, 'nothing'), NO_COLOR: '1' },
  });
  expect(broken.status).toBe(1);
  expect(broken.stdout).toMatch(/next {2}Engine for the CPU: Run `node native\/setup\.mjs`/);
});
