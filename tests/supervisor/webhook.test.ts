/** Alarms at the address that the user named: told, and never any trouble of the run. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testWebhook } from '../../electron/server/settings/post.ts';
import { readSettings, setWebhook } from '../../electron/server/settings/settings.ts';
import { Webhook } from '../../electron/supervisor/webhook.ts';

let server: Server;
let url: string;
let status = 200;
let bodies: unknown[] = [];
let heard: () => void = () => {};
beforeEach(async () => {
  [status, bodies] = [200, []];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      bodies.push(JSON.parse(text));
      response.writeHead(status, status === 302 ? { location: `${url}/elsewhere` } : {}).end();
      heard();
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((closed) => server.close(closed)));

/** Resolves once so many were heard. */
const hears = (count: number) =>
  new Promise<void>((done) => {
    heard = () => bodies.length >= count && done();
  });

test('nothing is sent without an address', () => {
  const log = vi.fn();
  new Webhook(() => null, log).send({ a: 1 });
  expect(log).not.toHaveBeenCalled();
});

test('what is sent arrives as JSON', async () => {
  const all = hears(1);
  new Webhook(() => url, vi.fn()).send({ run: 'a', alarm: { kind: 'plateau' } });
  await all;
  expect(bodies).toEqual([{ run: 'a', alarm: { kind: 'plateau' } }]);
});

test('an address that is set or taken back while the run goes counts from the next alarm on', async () => {
  let address: string | null = null;
  const webhook = new Webhook(() => address, vi.fn());
  webhook.send({ k: 1 });
  address = url;
  const all = hears(1);
  webhook.send({ k: 2 });
  await all;
  address = null;
  webhook.send({ k: 3 });
  expect(bodies).toEqual([{ k: 2 }]);
});

test('a test message tells whether alarms would arrive, and keeps nothing', async () => {
  await testWebhook(url);
  expect(bodies).toEqual([{ test: true, message: expect.stringContaining('Alarms') }]);
  status = 404;
  await expect(testWebhook(url)).rejects.toMatchObject({
    code: 'request.invalid',
    message: `${url} did not take the test: it answered 404.`,
  });
  await expect(testWebhook('http://127.0.0.1:1/')).rejects.toThrow(/did not take the test: (?!fetch failed)/);
  await expect(testWebhook('mailto:me')).rejects.toThrow(/no address of a web server/);
  await expect(testWebhook(' ')).rejects.toThrow('There is no address.');
});

test.each([500, 302])('an address that answers %i is logged once, and not followed', async (code) => {
  status = code;
  const log = vi.fn();
  const webhook = new Webhook(() => url, log);
  for (let k = 1; k <= 2; k += 1) {
    webhook.send({ k });
    await expect.poll(() => bodies.length, { timeout: 20_000 }).toBe(k);
    await expect.poll(() => log.mock.calls.length, { timeout: 20_000 }).toBe(1);
  }
  expect(log.mock.calls[0]?.[0]).toMatch(/^the webhook could not be told: /);
});

test('the setting takes addresses of web servers only, and can be taken back', () => {
  const home = mkdtempSync(join(tmpdir(), 'collie-settings-'));
  try {
    expect(readSettings(home).webhook).toBeNull();
    for (const wrong of ['file:///etc/passwd', 'nonsense', ''])
      expect(() => setWebhook(home, wrong)).toThrow(/(is|There is) no address/);
    setWebhook(home, url);
    expect(readSettings(home).webhook).toBe(url);
    setWebhook(home, null);
    expect(readSettings(home).webhook).toBeNull();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
