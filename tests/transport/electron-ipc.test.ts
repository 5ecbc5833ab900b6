/** The Electron transport and the preload script, without the program: what they use of it is small enough to play. */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { transformWithOxc } from 'vite';
import { beforeEach, expect, test } from 'vitest';
import { type CollieBridge, ipcChannels } from '../../electron/shared/api/bridge.ts';
import type { ApiHost } from '../../electron/transport/dispatch.ts';
import { attachIpc, type IpcMainLike, type PageLike } from '../../electron/transport/electron-ipc.ts';

class FakePage extends EventEmitter {
  readonly id = 7;
  sent: unknown[][] = [];
  isDestroyed = () => false;
  send = (channel: string, ...args: unknown[]) => this.sent.push([channel, ...args]);
}

class StreamHost {
  produced = 0;
  ended = 0;
  call = async (method: string) => ({ method });
  async *stream(_topic: string, _params: unknown, signal: AbortSignal): AsyncGenerator<number> {
    try {
      while (!signal.aborted) {
        this.produced += 1;
        yield this.produced;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.ended += 1;
    }
  }
}

let ipc: EventEmitter;
let page: FakePage;
let host: StreamHost;
beforeEach(() => {
  ipc = new EventEmitter();
  page = new FakePage();
  host = new StreamHost();
  attachIpc(ipc as unknown as IpcMainLike, host as unknown as ApiHost, (url) =>
    url.startsWith('app://collie/'),
  );
});

const frame = (url: string, parent: unknown = null) => ({
  sender: page as unknown as PageLike,
  senderFrame: { url, parent },
});
const say = (message: unknown, from = frame('app://collie/')) => ipc.emit(ipcChannels.request, from, message);
const ticks = async (count: number) => {
  for (let tick = 0; tick < count; tick += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('answers our page, not other addresses and not frames inside it', async () => {
  say({ id: 1, method: 'runs.list', params: {} });
  say({ id: 2, method: 'runs.list', params: {} }, frame('https://evil.example/'));
  say({ id: 3, method: 'runs.list', params: {} }, frame('app://collie/', {}));
  await ticks(3);
  expect(page.sent).toEqual([[ipcChannels.reply, 1, { id: 1, result: { method: 'runs.list' } }]]);
});

test('a page that takes nothing stops the stream; taking messages lets it go on', async () => {
  say({ id: 1, subscribe: 'jobs', params: {} });
  await ticks(500);
  const stuck = host.produced;
  expect(stuck).toBeLessThan(70);
  ipc.emit(ipcChannels.ack, frame('app://collie/'), page.sent.length);
  await ticks(30);
  expect(host.produced).toBeGreaterThan(stuck);
});

test('loading the page again ends its subscriptions; moving within it does not', async () => {
  say({ id: 1, subscribe: 'jobs', params: {} });
  await ticks(5);
  page.emit('did-start-navigation', { isMainFrame: true, isSameDocument: true });
  await ticks(5);
  expect(host.ended).toBe(0);
  page.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false });
  await ticks(5);
  expect(host.ended).toBe(1);
});

test('a dead page ends its subscriptions, stuck ones too', async () => {
  say({ id: 1, subscribe: 'jobs', params: {} });
  await ticks(300);
  page.emit('destroyed');
  await ticks(5);
  expect(host.ended).toBe(1);
});

/** Loads the preload script with an `electron` of our own. */
async function loadPreload() {
  const renderer = new EventEmitter() as EventEmitter & { send: unknown; invoke: unknown };
  const sent: unknown[][] = [];
  const asked: unknown[][] = [];
  renderer.send = (...args: unknown[]) => sent.push(args);
  renderer.invoke = (...args: unknown[]) => {
    asked.push(args);
    return Promise.resolve('/a/path');
  };
  let bridge: CollieBridge | null = null;
  const contextBridge = {
    exposeInMainWorld: (name: string, api: CollieBridge) => {
      if (name === 'collie') bridge = api;
    },
  };
  const source = readFileSync(new URL('../../electron/preload/preload.cts', import.meta.url), 'utf8');
  const { code } = await transformWithOxc(source, 'preload.ts');
  const require = (name: string) => {
    if (name !== 'electron') throw new Error(`a sandboxed preload script cannot load ${name}`);
    const webUtils = { getPathForFile: (file: File) => `/dropped/${file.name}` };
    return { contextBridge, ipcRenderer: renderer, webUtils };
  };
  new Function('require', code)(require);
  return { bridge: bridge as unknown as CollieBridge, renderer, sent, asked };
}

test('the preload script speaks the channels of the contract, and acknowledges what it has given to the page', async () => {
  const { bridge, renderer, sent, asked } = await loadPreload();
  bridge.send({ id: 1 });
  expect(sent).toEqual([[ipcChannels.request, { id: 1 }]]);
  const got: unknown[] = [];
  const stop = bridge.onMessage((message) => got.push(message));
  renderer.emit(ipcChannels.reply, {}, 5, { id: 1, result: 2 });
  expect(got).toEqual([{ id: 1, result: 2 }]);
  expect(sent[1]).toEqual([ipcChannels.ack, 5]);
  stop();
  renderer.emit(ipcChannels.reply, {}, 6, { id: 2 });
  expect(got).toHaveLength(1);
  expect(await bridge.pickPath({ kind: 'file', extensions: ['gguf'] })).toBe('/a/path');
  await bridge.openFolder('/a');
  expect(asked).toEqual([
    [ipcChannels.pickPath, { kind: 'file', extensions: ['gguf'] }],
    [ipcChannels.openFolder, '/a'],
  ]);
  expect(bridge.pathOf(new File([], 'rows.csv'))).toBe('/dropped/rows.csv');
});
