/**
 * Chromium with nothing attached that looks at its network. Playwright always does, and is sent a copy of every WebSocket frame: for the curves of a
 * long run that is a quarter of a second of the page's main thread, and as much again of the browser's, which no user waits for.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import WebSocket from 'ws';

const READY = /DevTools listening on (ws:\S+)/;
const LONGEST_MS = 60_000;

export function browserPath(): string {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)));
  const path = process.env.CHROMIUM ?? found.find((one) => existsSync(one));
  if (!path)
    throw new Error('No Chromium: install it (Debian: apt-get install chromium) or name one in CHROMIUM.');
  return path;
}

interface Reply {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export interface PlainPage {
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /**
   * Seconds from the start of a navigation until each of these JavaScript conditions holds, one after another, by the clock of the page; looked at
   * once a frame, as a user would see it.
   */
  open(url: string, ...conditions: string[]): Promise<number[]>;
}

export class PlainBrowser {
  readonly page: PlainPage;
  readonly #end: () => Promise<void>;

  private constructor(page: PlainPage, end: () => Promise<void>) {
    this.page = page;
    this.#end = end;
  }

  static async launch(executable: string, width = 1280, height = 800): Promise<PlainBrowser> {
    const profile = mkdtempSync(join(tmpdir(), 'collie-browser-'));
    const child = spawn(
      executable,
      [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        '--disable-component-update',
        '--no-first-run',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        `--window-size=${width},${height}`,
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const address = await addressOf(child.stderr);
    const socket = new WebSocket(address, { maxPayload: 256 * 1024 * 1024 });
    await once(socket, 'open');
    const call = caller(socket);
    const { targetInfos } = (await call('Target.getTargets')) as {
      targetInfos: { targetId: string; type: string }[];
    };
    const targetId = targetInfos.find(({ type }) => type === 'page')?.targetId;
    const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
    const send = (method: string, params: object = {}) => call(method, params, String(sessionId));
    await send('Page.enable');
    return new PlainBrowser({ send, open: (url, ...conditions) => open(send, url, conditions) }, async () => {
      const ended = once(child, 'exit');
      await call('Browser.close');
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    });
  }

  close = (): Promise<void> => this.#end();
}

function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stderr.on('data', (chunk) => {
      text += chunk;
      const address = READY.exec(text)?.[1];
      if (address) resolve(address);
    });
    stderr.once('end', () => reject(new Error(`Chromium did not start:\n${text}`)));
  });
}

function caller(socket: WebSocket) {
  const waiting = new Map<
    number,
    { resolve(value: Record<string, unknown>): void; reject(error: Error): void }
  >();
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(String(data)) as Reply;
    const call = id === undefined ? undefined : waiting.get(id);
    if (!call || id === undefined) return;
    waiting.delete(id);
    if (error) call.reject(new Error(error.message));
    else call.resolve(result ?? {});
  });
  let next = 0;
  return (method: string, params: object = {}, sessionId?: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const id = ++next;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) }));
    });
}

type Send = PlainPage['send'];

/** For conditions: whether a selector finds something. */
export const found = (selector: string) => `document.querySelector(${JSON.stringify(selector)})`;

/** Runs in the page. */
const timesOf = (conditions: readonly string[]) => `new Promise((resolve) => {
  const waiting = [${conditions.map((condition) => `() => ${condition}`).join(', ')}];
  const times = [];
  const look = () => {
    while (times.length < waiting.length && waiting[times.length]()) times.push(performance.now() / 1000);
    if (times.length === waiting.length) resolve(times);
    else requestAnimationFrame(look);
  };
  look();
})`;

async function open(send: Send, url: string, conditions: readonly string[]): Promise<number[]> {
  await send('Page.navigate', { url: 'about:blank' });
  await evaluate(send, '1');
  await send('Page.navigate', { url });
  return (await evaluate(send, timesOf(conditions))) as number[];
}

async function evaluate(send: Send, expression: string): Promise<unknown> {
  const { result } = (await send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
    timeout: LONGEST_MS,
  })) as { result?: { value?: unknown } };
  return result?.value;
}
