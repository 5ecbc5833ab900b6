/**
 * What others wait for beside what a file or a client makes slow. The host answers while the work goes on; bounds are those of a machine that does
 * other things too, and far below the seconds that the work itself takes.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createHost, type Host } from '../../../electron/server/host.ts';
import type { Job } from '../../../electron/shared/api/entities.ts';
import { type RunningServer, serve } from '../../../electron/transport/websocket.ts';
import { describeWithAddon } from '../../native/addon-built.ts';
import { exampleSpec } from '../../supervisor/harness.ts';
import { ggufWithTokens } from '../../support/gguf-bytes.ts';
import { makeTinyModel } from '../../support/tiny-model.ts';

const WAIT_MS = 2000;
const CHATML =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

let folder: string;
let host: Host;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-beside-'));
  host = createHost({ home: join(folder, 'home'), shell: 'browser', paths: 'any' });
});
afterEach(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Asks for something small, again and again, until the work is done. Returns what that took at most, in ms, and how often. */
async function askedBeside(work: Promise<unknown>): Promise<{ longest: number; asked: number }> {
  let done = false;
  void work.catch(() => {}).finally(() => (done = true));
  let longest = 0;
  let asked = 0;
  while (!done) {
    const begin = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    await host.call('jobs.list', {});
    longest = Math.max(longest, performance.now() - begin);
    asked += 1;
  }
  return { longest, asked };
}

/** The end of a job, whatever it is. */
async function ended({ jobId }: { jobId: string }): Promise<Job> {
  for await (const job of host.stream('jobs', {}, new AbortController().signal))
    if (job.id === jobId && job.state !== 'running') return job;
  throw new Error('the stream ended before the job');
}

describeWithAddon('requests of others are answered beside', () => {
  it('a chat template that takes seconds for a row', async () => {
    const model = makeTinyModel(join(folder, 'model'));
    // Each turn of the loop makes a list of 100,000 numbers and sorts its texts.
    const slow =
      '{% for i in range(12) %}{% set x = range(100000) | map("string") | sort | list %}{% endfor %}';
    writeFileSync(
      join(model, 'chat_template.jinja'),
      `{% if messages[0].content == 'slow' %}${slow}{% endif %}${CHATML}`,
    );
    const data = join(folder, 'rows.jsonl');
    writeFileSync(data, '{"prompt": "slow", "answer": "b"}\n');
    const card = (await ended(await host.call('models.import', { path: model, name: '' }))).result as {
      id: string;
    };
    const set = (await ended(await host.call('datasets.import', { path: data, name: '' }))).result as {
      id: string;
    };
    const { mapping } = await host.call('datasets.get', { id: set.id });
    if (mapping === null) throw new Error('prompt and answer are told by their names');
    const work = host.call('datasets.tokenize', {
      datasetId: set.id,
      modelId: card.id,
      mapping,
      systemPrompt: '',
      seqLen: 512,
      row: 0,
    });
    const { longest, asked } = await askedBeside(work);
    expect((await work).trained).toContain(true);
    expect(asked).toBeGreaterThan(50);
    expect(longest).toBeLessThan(WAIT_MS);
  });

  it('a GGUF file with 20 MB of arrays', async () => {
    const path = join(folder, 'large.gguf');
    writeFileSync(path, ggufWithTokens(1_200_000));
    const work = host.call('models.import', { path, name: '' }).then(ended);
    const { longest } = await askedBeside(work);
    expect((await work).state).toBe('failed'); // It has no weights.
    expect(longest).toBeLessThan(WAIT_MS);
  });

  it('a model whose tokenizer has megabytes, and a config.json with 10,000 unknown keys', async () => {
    const model = makeTinyModel(join(folder, 'model'));
    const config = join(model, 'config.json');
    const unknown = Object.fromEntries(Array.from({ length: 10_000 }, (_, k) => [`unknown_key_${k}`, k]));
    writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), ...unknown }));
    const tokenizer = join(model, 'tokenizer.json');
    const parsed = JSON.parse(readFileSync(tokenizer, 'utf8'));
    parsed.added_tokens.push(
      ...Array.from({ length: 40_000 }, (_, k) => ({
        id: 503 + k,
        content: `<|extra_${k}|>`,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
    );
    writeFileSync(tokenizer, JSON.stringify(parsed));
    const { longest } = await askedBeside(host.call('models.import', { path: model, name: '' }).then(ended));
    expect(longest).toBeLessThan(WAIT_MS);
  });

  it('a spec with 10,000 unknown keys', async () => {
    const spec: Record<string, unknown> = { ...exampleSpec(folder) };
    for (let k = 0; k < 10_000; k += 1) spec[`unknown_key_${k}`] = k;
    const work = host.call('spec.validate', { spec });
    const { longest } = await askedBeside(work);
    expect((await work).issues.length).toBeGreaterThan(49);
    expect(longest).toBeLessThan(WAIT_MS);
  });

  it('half-open sockets, and clients that never read', async () => {
    const pageDir = join(folder, 'page');
    mkdirSync(pageDir);
    writeFileSync(join(pageDir, 'index.html'), '');
    const token = 't'.repeat(32);
    const server: RunningServer = await serve({ host, pageDir, token, port: 0 });
    const raw: Socket[] = [];
    const clients: WebSocket[] = [];
    const client = () => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/api?token=${token}`);
      clients.push(socket);
      return new Promise<WebSocket>((resolve, reject) => {
        socket.once('open', () => resolve(socket));
        socket.once('error', reject);
      });
    };
    try {
      for (let k = 0; k < 300; k += 1) {
        const socket = connect(server.port, '127.0.0.1');
        raw.push(socket);
        await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
        socket.on('error', () => {});
        socket.write('GET / HTTP/1.1\r\nHost: 127');
      }
      for (let k = 0; k < 10; k += 1) {
        const silent = await client();
        silent.pause();
        for (let id = 0; id < 500; id += 1)
          silent.send(JSON.stringify({ id, method: 'presets.list', params: {} }));
      }
      const other = await client();
      const begin = performance.now();
      other.send(JSON.stringify({ id: 1, method: 'jobs.list', params: {} }));
      const answer = await new Promise((resolve) =>
        other.once('message', (data) => resolve(JSON.parse(String(data)))),
      );
      expect(answer).toMatchObject({ id: 1, result: [] });
      expect(performance.now() - begin).toBeLessThan(WAIT_MS);
    } finally {
      for (const socket of raw) socket.destroy();
      for (const socket of clients) socket.terminate();
      await server.close();
    }
  });
});
