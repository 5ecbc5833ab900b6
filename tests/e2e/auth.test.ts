/** Who may use a running workbench: only a browser that was given the address with its token, on our own page. */

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { WEBSOCKET_PATH } from '../../electron/shared/api/bridge.ts';
import { launchBrowser, openPage, skipReason } from './support/browser.ts';
import { type Home, HostProcess, makeHome } from './support/host.ts';

let folder: string;
let home: Home;
let host: HostProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'collie-e2e-auth-'));
  home = makeHome(folder);
  host = await HostProcess.start(home);
});
afterAll(async () => {
  await host?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A plain request; unlike fetch it sends any Host header. */
function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, host.origin), { headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.once('error', reject);
    sent.end();
  });
}

/** How a socket with these headers ends: open and answering, refused with a status, or closed with a code. */
function connect(query: string, headers: Record<string, string>): Promise<string> {
  const url = `${host.origin.replace('http', 'ws')}${WEBSOCKET_PATH}${query}`;
  const socket = new WebSocket(url, { headers });
  return new Promise((resolve) => {
    const end = (how: string) => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.terminate();
      resolve(how);
    };
    socket.on('open', () => socket.send(JSON.stringify({ id: 1, method: 'system.info', params: {} })));
    socket.on('message', (data) => end(JSON.parse(data.toString()).result ? 'answered' : 'error'));
    socket.on('unexpected-response', (_, response) => end(`status ${response.statusCode}`));
    socket.on('close', (code) => end(`closed ${code}`));
    socket.on('error', () => {});
  });
}

describe('the page', () => {
  it('is refused without a token, and the refusal says what to do', async () => {
    const answer = await get('/');
    expect(answer.status).toBe(401);
    expect(answer.body).toContain('Open the address that `collie serve` printed');
    expect(answer.body).not.toContain('<script');
  });

  it('is refused with a wrong token', async () => {
    expect((await get(`/?token=${'x'.repeat(host.token.length)}`)).status).toBe(401);
  });

  it('is given with the token, which leaves the address for a cookie no script can read', async () => {
    const answer = await get(`/?token=${host.token}`);
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe('/');
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    const page = await get('/', { Cookie: cookie.split(';')[0] ?? '' });
    expect(page.status).toBe(200);
    expect(String(page.headers['content-security-policy'])).toContain(
      "default-src 'none'; script-src 'self';",
    );
  });

  it('is refused under a foreign host name, token or not', async () => {
    const answer = await get(`/?token=${host.token}`, { Host: 'evil.example' });
    expect(answer.status).toBe(401);
  });

  it('keeps files of the machine to itself', async () => {
    const authorization = { Authorization: `Bearer ${host.token}` };
    for (const path of ['/../../package.json', '/%2e%2e/%2e%2e/package.json', '/..%2f..%2fpackage.json'])
      expect((await get(path, authorization)).body).not.toContain('"collie-workbench"');
  });
});

describe('the socket', () => {
  it('answers our page with the token', async () => {
    expect(await connect(`?token=${host.token}`, { Origin: host.origin })).toBe('answered');
  });

  it('is refused to a foreign page that knows the token', async () => {
    expect(await connect(`?token=${host.token}`, { Origin: 'http://evil.example' })).toBe('status 403');
  });

  it('is refused to a page on another port of this machine', async () => {
    expect(await connect(`?token=${host.token}`, { Origin: 'http://127.0.0.1:1' })).toBe('status 403');
  });

  it('closes at once for our page without a token', async () => {
    expect(await connect('', { Origin: host.origin })).toMatch(/^closed 4\d\d\d$/);
  });
});

describe('on disk', () => {
  it('keeps the token for this user only', () => {
    expect(statSync(join(home.collie, 'token')).mode & 0o777).toBe(0o600);
    expect(statSync(home.collie).mode & 0o777).toBe(0o700);
  });
});

describe.skipIf(skipReason)('a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  it('sees no workbench without the token', async () => {
    const { page } = await openPage(browser, host.origin);
    expect(await page.locator('body').textContent()).toContain('no access token');
    await page.context().close();
  });

  it('stays signed in after a reload, with no token in the address', async () => {
    const { page } = await openPage(browser, host.url);
    expect(page.url()).not.toContain('token');
    await page.reload();
    await page.getByRole('navigation', { name: 'Main' }).waitFor();
    await page.context().close();
  });

  it('cannot reach the socket from another page', async () => {
    const { page } = await openPage(browser, host.url);
    const foreign = await page.context().newPage();
    // The cookie is there, and another port of this machine is the same site: the origin must decide.
    await foreign.goto('data:text/html,<p>foreign</p>');
    const url = `${host.origin.replace('http', 'ws')}${WEBSOCKET_PATH}?token=${host.token}`;
    const how = await foreign.evaluate(
      (target) =>
        new Promise((resolve) => {
          const socket = new globalThis.WebSocket(target);
          socket.onopen = () => resolve('open');
          socket.onerror = () => resolve('refused');
        }),
      url,
    );
    expect(how).toBe('refused');
    await page.context().close();
  });
});
