/** Client of the browser shell: one WebSocket that comes back by itself. */
import { WEBSOCKET_CLOSE_DENIED } from '../../../electron/shared/api/bridge.ts';
import { unpack } from '../../../electron/shared/api/bytes.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import type { Client, Line, LineState } from './client.ts';
import { Exchange } from './exchange.ts';

/** First and longest wait between attempts, milliseconds. */
const FIRST_DELAY = 250;
const LONGEST_DELAY = 8_000;
export interface Timers {
  set(callback: () => void, ms: number): unknown;
  clear(handle: unknown): void;
  now(): number;
}

const realTimers: Timers = {
  set: (callback, ms) => setTimeout(callback, ms),
  clear: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
  now: () => Date.now(),
};

export interface WebSocketClientOptions {
  /** Full ws:// address; a cookie that `collie serve` set proves that we may. */
  readonly url: string;
  /** Replaceable in tests. */
  readonly open?: (url: string) => WebSocket;
  readonly timers?: Timers;
}

export function createWebSocketClient(options: WebSocketClientOptions): Client {
  const open = options.open ?? ((url: string) => new WebSocket(url));
  const timers = options.timers ?? realTimers;
  const exchange = new Exchange();
  const listeners = new Set<(line: Line) => void>();
  let line: Line = { state: 'connecting', retryAt: null };
  let socket: WebSocket | null = null;
  let timer: unknown = null;
  let failures = 0;
  let closed = false;

  const setLine = (state: LineState, retryAt: number | null = null) => {
    line = { state, retryAt };
    for (const listener of listeners) listener(line);
  };

  function connect(): void {
    timer = null;
    const current = open(options.url);
    socket = current;
    current.onopen = () => {
      failures = 0;
      setLine('open');
      exchange.attach((message) => current.send(JSON.stringify(message)));
    };
    current.binaryType = 'arraybuffer';
    current.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => exchange.receive(unpack(data));
    current.onclose = (event: CloseEvent) => {
      if (socket !== current) return;
      socket = null;
      exchange.detach();
      if (closed) return;
      if (event.code === WEBSOCKET_CLOSE_DENIED) deny();
      else schedule();
    };
  }

  function deny(): void {
    setLine('denied');
    exchange.abandon(
      new CollieError(
        'auth.denied',
        'The host refused this page.',
        'Open the address that `collie serve` printed, with its token.',
      ),
    );
  }

  function schedule(): void {
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** failures);
    failures += 1;
    setLine('lost', timers.now() + delay);
    timer = timers.set(connect, delay);
  }

  function retry(): void {
    if (closed || timer === null) return;
    timers.clear(timer);
    setLine('lost');
    connect();
  }

  connect();
  // A laptop that wakes up, or a network that returns, should not wait for the next attempt.
  globalThis.addEventListener?.('online', retry);

  return {
    call: (method, params) => exchange.call(method, params),
    subscribe: (topic, params, onEvent, onEnd) => exchange.subscribe(topic, params, onEvent, onEnd),
    line: () => line,
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    retry,
    close() {
      closed = true;
      if (timer !== null) timers.clear(timer);
      globalThis.removeEventListener?.('online', retry);
      socket?.close();
    },
  };
}
