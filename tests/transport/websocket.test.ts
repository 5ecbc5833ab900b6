/** The browser shell as its enemies and its slow clients see it, over real sockets. */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { WEBSOCKET_CLOSE_DENIED } from '../../electron/shared/api/bridge.ts';
import { CollieError } from '../../electron/shared/errors.ts';
import { cookieName, readOrCreateToken } from '../../electron/transport/auth.ts';
import type { ApiHost } from '../../electron/transport/dispatch.ts';
import { MAX_MESSAGE_BYTES, type RunningServer, serve } from '../../electron/transport/websocket.ts';

/** Counts what it produces, so that tests see who pulls and who has stopped. */
class CountingHost {
  produced = 0;
  ended = 0;
  payload = 'x';

  call(method: string, params: unknown): Promise<unknown> {
    if (method === 'jobs.list')
      return Promise.reject(new CollieError('disk.full', 'No space.', 'Make some.'));
    return Promise.resolve({ method, params });
  }

  async *stream(_topic: string, _params: unknown, signal: AbortSignal): AsyncGenerator<unknown> {
    try {
      while (!signal.aborted) {
        this.produced += 1;
        yield this.payload;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.ended += 1;
    }
  }
}

const TOKEN = 'a-token-of-at-least-thirty-two-characters';
let folder: string;
let host: CountingHost;
let server: RunningServer;
const sockets: WebSocket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'collie-ws-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<title>the page</title>');
  host = new CountingHost();
  server = await serve({ host: host as unknown as ApiHost, token: TOKEN, port: 0, pageDir: folder });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port: server.port, host: '127.0.0.1', path, method, headers },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    request.on('error', reject).end();
  });
}

function connect(query: string, options: ClientOptions = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/api${query}`, options);
  sockets.push(socket);
  return socket;
}

const opened = (socket: WebSocket) => new Promise<void>((resolve) => socket.once('open', () => resolve()));
const closed = (socket: WebSocket) => new Promise<number>((resolve) => socket.once('close', resolve));
const refused = (socket: WebSocket) =>
  new Promise<number>((resolve) => {
    socket.on('error', () => {});
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
  });
const reply = (socket: WebSocket) =>
  new Promise<Record<string, unknown>>((resolve) =>
    socket.once('message', (data) => resolve(JSON.parse(String(data)))),
  );
async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('who may in', () => {
  test('the address with the token becomes a cookie, and the page can be loaded again with it', async () => {
    const first = await get(`/runs?token=${TOKEN}&tab=log`);
    expect(first.status).toBe(302);
    expect(first.headers.location).toBe('/runs?tab=log');
    const cookie = String(first.headers['set-cookie']);
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    const again = await get('/', { cookie: cookie.split(';')[0] as string });
    expect(again).toMatchObject({ status: 200, body: '<title>the page</title>' });
    expect(again.headers['content-security-policy']).toContain("script-src 'self'");
    expect(again.headers['x-frame-options']).toBe('DENY');
  });

  test('no token, a wrong token, a wrong cookie: 401 and nothing of the page', async () => {
    const answers = await Promise.all([
      get('/'),
      get('/?token=wrong'),
      get('/index.html', { cookie: `${cookieName(server.port)}=wrong` }),
    ]);
    for (const { status, body } of answers) {
      expect(status).toBe(401);
      expect(body).not.toContain('<title>');
      expect(body).toContain('collie serve');
    }
  });

  test('files that are named by their content are kept by the browser, the page itself is asked for again', async () => {
    writeFileSync(join(folder, 'assets/common-a1.js'), 'export {}');
    const cookie = `${cookieName(server.port)}=${TOKEN}`;
    const named = await get('/assets/common-a1.js', { cookie });
    expect(named).toMatchObject({ status: 200, body: 'export {}' });
    expect(named.headers['cache-control']).toContain('immutable');
    for (const path of ['/', '/assets/gone-b2.js', '/assets/', '/assets/gone'])
      expect((await get(path, { cookie })).headers['cache-control'], path).not.toContain('immutable');
  });

  test('the redirect stays on this host, whatever the path looks like', async () => {
    for (const path of [
      '/.//evil.example',
      '//evil.example',
      '/./\\\\evil.example',
      '/a/..//evil.example/x',
    ]) {
      const { status, headers } = await get(`${path}?token=${TOKEN}`);
      expect(status).toBe(302);
      const target = new URL(String(headers.location), `http://127.0.0.1:${server.port}`);
      expect(target.host).toBe(`127.0.0.1:${server.port}`);
    }
  });

  test('another Host header (DNS rebinding) or a foreign origin is refused even with the token', async () => {
    expect((await get(`/?token=${TOKEN}`, { host: `evil.example:${server.port}` })).status).toBe(401);
    expect((await get(`/?token=${TOKEN}`, { origin: 'https://evil.example' })).status).toBe(401);
    expect((await get(`/?token=${TOKEN}`, { host: `localhost:${server.port}` })).status).toBe(302);
  });

  test('nothing but reading, and nothing outside the page folder', async () => {
    const cookie = { cookie: `${cookieName(server.port)}=${TOKEN}` };
    expect((await get('/', cookie, 'POST')).status).toBe(405);
    writeFileSync(join(folder, '../collie-secret.txt'), 'secret');
    expect((await get('/../collie-secret.txt', cookie)).body).not.toContain('secret');
    expect((await get('/%2e%2e/collie-secret.txt', cookie)).body).not.toContain('secret');
    rmSync(join(folder, '../collie-secret.txt'));
  });

  test('sockets: foreign origin and host get none; a wrong token gets a code', async () => {
    expect(await refused(connect(`?token=${TOKEN}`, { origin: 'https://evil.example' }))).toBe(403);
    expect(await refused(connect(`?token=${TOKEN}`, { headers: { host: 'evil.example' } }))).toBe(403);
    expect(await closed(connect('?token=wrong'))).toBe(WEBSOCKET_CLOSE_DENIED);
    expect(await closed(connect(''))).toBe(WEBSOCKET_CLOSE_DENIED);
    const own = connect(`?token=${TOKEN}`, { origin: `http://127.0.0.1:${server.port}` });
    await opened(own);
    const byCookie = connect('', { headers: { cookie: `${cookieName(server.port)}=${TOKEN}` } });
    await opened(byCookie);
  });

  test('the token file is made once, 0600', () => {
    const home = mkdtempSync(join(tmpdir(), 'collie-home-'));
    const token = readOrCreateToken(home);
    expect(token.length).toBeGreaterThan(40);
    expect(readOrCreateToken(home)).toBe(token);
    expect(statSync(join(home, 'token')).mode & 0o777).toBe(0o600);
    rmSync(home, { recursive: true });
  });
});

describe('messages', () => {
  test('calls are answered, errors keep code and hint', async () => {
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    socket.send(JSON.stringify({ id: 1, method: 'runs.get', params: { id: 'a' } }));
    expect(await reply(socket)).toEqual({ id: 1, result: { method: 'runs.get', params: { id: 'a' } } });
    socket.send(JSON.stringify({ id: 2, method: 'jobs.list', params: {} }));
    expect(await reply(socket)).toMatchObject({ id: 2, error: { code: 'disk.full', hint: 'Make some.' } });
    socket.send(JSON.stringify({ id: 3, method: 'runs.explode', params: {} }));
    expect(await reply(socket)).toMatchObject({ id: 3, error: { code: 'request.invalid' } });
  });

  test('an oversized message, binary and what is no JSON close the socket', async () => {
    const codes: [string | Buffer, number][] = [
      ['x'.repeat(MAX_MESSAGE_BYTES + 1), 1009],
      [Buffer.from('{}'), 1003],
      ['{"id":', 1007],
    ];
    for (const [message, code] of codes) {
      const socket = connect(`?token=${TOKEN}`);
      await opened(socket);
      socket.send(message);
      expect(await closed(socket)).toBe(code);
    }
  });

  test('a message nested without end is refused by name; the host goes on for this client and others', async () => {
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    for (const depth of [65, 5_000, 400_000]) {
      socket.send(`{"id":5,"method":"runs.get","params":${'['.repeat(depth)}${']'.repeat(depth)}}`);
      expect(await reply(socket)).toMatchObject({
        id: 5,
        error: { code: 'request.invalid', message: expect.stringContaining('more than 64 deep') },
      });
    }
    socket.send(JSON.stringify({ id: 6, method: 'runs.get', params: { id: 'a' } }));
    expect(await reply(socket)).toMatchObject({ id: 6, result: { method: 'runs.get' } });
  });

  test('an answer that cannot be sent is an error reply', async () => {
    const endless: unknown[] = [];
    endless.push(endless);
    host.call = () => Promise.resolve(endless);
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    socket.send(JSON.stringify({ id: 7, method: 'runs.get', params: {} }));
    expect(await reply(socket)).toMatchObject({ id: 7, error: { code: 'request.invalid' } });
  });

  test('a client that asks and never reads has a bounded number of answers waiting', async () => {
    let called = 0;
    const answer = 'x'.repeat(1024 * 1024);
    host.call = () => {
      called += 1;
      return Promise.resolve(answer);
    };
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    socket.pause();
    for (let id = 0; id < 2_000; id += 1) socket.send(JSON.stringify({ id, method: 'runs.get', params: {} }));
    // Another client is served meanwhile.
    const other = connect(`?token=${TOKEN}`);
    await opened(other);
    other.send(JSON.stringify({ id: 1, method: 'runs.get', params: {} }));
    await reply(other);
    expect(called).toBeLessThan(200);
  });

  test('many subscriptions on one socket; all end when it closes', async () => {
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    for (const id of [1, 2, 3]) socket.send(JSON.stringify({ id, subscribe: 'jobs', params: {} }));
    const seen = new Set<unknown>();
    socket.on('message', (data) => seen.add(JSON.parse(String(data)).id));
    await until(() => seen.size === 3);
    socket.close();
    await until(() => host.ended === 3);
  });

  test('unsubscribing ends one stream with a last word', async () => {
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    const last = new Promise<unknown>((resolve) =>
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.end) resolve(message);
      }),
    );
    socket.send(JSON.stringify({ id: 9, subscribe: 'jobs', params: {} }));
    await reply(socket);
    socket.send(JSON.stringify({ id: 9, unsubscribe: true }));
    expect(await last).toEqual({ id: 9, end: true });
    expect(host.ended).toBe(1);
  });

  test('a client that does not read stops the producer instead of filling memory', async () => {
    host.payload = 'x'.repeat(256 * 1024);
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    socket.pause();
    socket.send(JSON.stringify({ id: 1, subscribe: 'jobs', params: {} }));
    // Produces until buffers (ours and the kernel's) are full, then stands still.
    let before = -1;
    while (host.produced !== before || before < 1) {
      before = host.produced;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(before).toBeLessThan(400);
    let received = 0;
    socket.on('message', () => {
      received += 1;
    });
    socket.resume();
    await until(() => received > before);
    expect(host.produced).toBeGreaterThan(before);
  });

  test('too many subscriptions are refused', async () => {
    const socket = connect(`?token=${TOKEN}`);
    await opened(socket);
    const refusal = new Promise<{ id: number }>((resolve) =>
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.error) resolve(message);
      }),
    );
    for (let id = 0; id < 65; id += 1) socket.send(JSON.stringify({ id, subscribe: 'jobs', params: {} }));
    expect(await refusal).toMatchObject({ id: 64, error: { code: 'request.invalid' } });
  });
});
