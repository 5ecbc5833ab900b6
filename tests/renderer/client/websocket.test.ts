import { describe, expect, it } from 'vitest';
import { WEBSOCKET_CLOSE_DENIED } from '../../../electron/shared/api/bridge.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import type { Line } from '../../../renderer/src/client/client.ts';
import { createWebSocketClient, type Timers } from '../../../renderer/src/client/websocket.ts';

/** A socket whose other end is the test. */
class FakeSocket {
  sent: { id: number; [key: string]: unknown }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.drop();
  }
  open() {
    this.onopen?.();
  }
  reply(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  drop(code = 1006) {
    this.onclose?.({ code });
  }
}

class FakeTimers implements Timers {
  time = 1000;
  waiting: { at: number; run: () => void } | null = null;
  set(run: () => void, ms: number) {
    this.waiting = { at: this.time + ms, run };
    return this.waiting;
  }
  clear(handle: unknown) {
    if (this.waiting === handle) this.waiting = null;
  }
  now() {
    return this.time;
  }
  /** Lets the time pass that the client waits for; how long it was. */
  elapse(): number {
    const { waiting } = this;
    if (!waiting) throw new Error('nothing waits');
    const ms = waiting.at - this.time;
    this.time = waiting.at;
    this.waiting = null;
    waiting.run();
    return ms;
  }
}

function setup() {
  const sockets: FakeSocket[] = [];
  const timers = new FakeTimers();
  const client = createWebSocketClient({
    url: 'ws://127.0.0.1:1/api',
    timers,
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
  });
  const lines: Line[] = [];
  client.onLine((line) => lines.push(line));
  const socket = (index: number) => {
    const found = sockets[index];
    if (!found) throw new Error(`socket ${index} was not opened`);
    return found;
  };
  return { client, sockets, socket, timers, lines };
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (thrown: unknown) => (thrown instanceof CollieError ? thrown.code : thrown),
  );

describe('calls', () => {
  it('wait until the socket is open, then resolve with their own result', async () => {
    const { client, socket } = setup();
    const models = client.call('models.list', {});
    const datasets = client.call('datasets.list', {});
    expect(socket(0).sent).toEqual([]);
    socket(0).open();
    expect(socket(0).sent.map((m) => m.method)).toEqual(['models.list', 'datasets.list']);
    const [first, second] = socket(0).sent;
    socket(0).reply({ id: second?.id, result: ['d'] });
    socket(0).reply({ id: first?.id, result: ['m'] });
    expect(await models).toEqual(['m']);
    expect(await datasets).toEqual(['d']);
  });

  it('reject with the error of the host, code and hint included', async () => {
    const { client, socket } = setup();
    socket(0).open();
    const call = client.call('models.get', { id: 'x' });
    socket(0).reply({
      id: socket(0).sent[0]?.id,
      error: { code: 'model.not_found', message: 'No model x.', hint: 'Import it.' },
    });
    await expect(call).rejects.toMatchObject({ code: 'model.not_found', hint: 'Import it.' });
  });

  it('fail when the socket breaks under them, and are never sent twice', async () => {
    const { client, socket, timers } = setup();
    socket(0).open();
    const call = client.call('runs.start', { spec: {} });
    const failed = failure(call);
    socket(0).drop();
    expect(await failed).toBe('connection.lost');
    timers.elapse();
    socket(1).open();
    expect(socket(1).sent).toEqual([]);
  });

  it('made while the line is down are sent when it is back', async () => {
    const { client, socket, timers } = setup();
    socket(0).open();
    socket(0).drop();
    const call = client.call('models.list', {});
    timers.elapse();
    socket(1).open();
    socket(1).reply({ id: socket(1).sent[0]?.id, result: [] });
    expect(await call).toEqual([]);
  });
});

describe('reconnecting', () => {
  it('waits longer after each failure, up to a limit, and starts afresh after a success', () => {
    const { socket, timers, sockets } = setup();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      socket(i).drop();
      waits.push(timers.elapse());
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    socket(8).open();
    socket(8).drop();
    expect(timers.elapse()).toBe(250);
    expect(sockets).toHaveLength(10);
  });

  it('says when it tries again, and tries at once when asked to', () => {
    const { client, socket, timers, lines, sockets } = setup();
    socket(0).open();
    socket(0).drop();
    expect(lines.at(-1)).toEqual({ state: 'lost', retryAt: timers.time + 250 });
    client.retry();
    expect(sockets).toHaveLength(2);
    expect(timers.waiting).toBeNull();
    socket(1).open();
    expect(client.line().state).toBe('open');
  });

  it('gives up when the host refuses the token, and fails what waits', async () => {
    const { client, socket, timers } = setup();
    const call = failure(client.call('models.list', {}));
    let end: string | null = null;
    client.subscribe(
      'jobs',
      {},
      () => {},
      (error) => {
        end = error?.code ?? 'none';
      },
    );
    socket(0).drop(WEBSOCKET_CLOSE_DENIED);
    expect(client.line().state).toBe('denied');
    expect(timers.waiting).toBeNull();
    expect(end).toBe('auth.denied');
    expect(await call).toBe('auth.denied');
  });

  it('does not come back after it was closed', () => {
    const { client, socket, timers, sockets } = setup();
    socket(0).open();
    client.close();
    expect(timers.waiting).toBeNull();
    expect(sockets).toHaveLength(1);
  });
});

describe('subscriptions', () => {
  it('of run events go on behind the last event seen', () => {
    const { client, socket, timers } = setup();
    const seen: unknown[] = [];
    client.subscribe('runs.events', { id: 'r' }, ({ events }) => seen.push(...events));
    socket(0).open();
    const [first] = socket(0).sent;
    expect(first).toMatchObject({ subscribe: 'runs.events', params: { id: 'r' } });
    socket(0).reply({ id: first?.id, event: { events: [{ seq: 0 }, { seq: 1 }, { seq: 2 }] } });
    socket(0).drop();
    timers.elapse();
    socket(1).open();
    expect(socket(1).sent[0]).toMatchObject({ subscribe: 'runs.events', params: { id: 'r', afterSeq: 2 } });
    socket(1).reply({ id: socket(1).sent[0]?.id, event: { events: [{ seq: 3 }] } });
    expect(seen).toEqual([{ seq: 0 }, { seq: 1 }, { seq: 2 }, { seq: 3 }]);
  });

  it('that were ended are not renewed, and late events are dropped', () => {
    const { client, socket, timers } = setup();
    const seen: unknown[] = [];
    const stop = client.subscribe('jobs', {}, (job) => seen.push(job));
    socket(0).open();
    const id = socket(0).sent[0]?.id;
    stop();
    expect(socket(0).sent[1]).toEqual({ id, unsubscribe: true });
    socket(0).reply({ id, event: { late: true } });
    expect(seen).toEqual([]);
    socket(0).drop();
    timers.elapse();
    socket(1).open();
    expect(socket(1).sent).toEqual([]);
  });

  it('of an answer being generated end instead of starting again', () => {
    const { client, socket, timers } = setup();
    const ends: (string | null)[] = [];
    client.subscribe(
      'playground.generate',
      { sessionId: 's', tuned: null, messages: [{ role: 'user', content: 'hi' }], sampling: {} },
      () => {},
      (error) => ends.push(error?.code ?? null),
    );
    socket(0).open();
    socket(0).drop();
    expect(ends).toEqual(['connection.lost']);
    timers.elapse();
    socket(1).open();
    expect(socket(1).sent).toEqual([]);
  });

  it('end normally with null, and with the error of the host', () => {
    const { client, socket } = setup();
    const ends: unknown[] = [];
    client.subscribe(
      'jobs',
      {},
      () => {},
      (error) => ends.push(error),
    );
    client.subscribe(
      'telemetry',
      {},
      () => {},
      (error) => ends.push(error?.code),
    );
    socket(0).open();
    const [jobs, telemetry] = socket(0).sent;
    socket(0).reply({ id: jobs?.id, end: true });
    socket(0).reply({ id: telemetry?.id, error: { code: 'internal', message: 'x' } });
    expect(ends).toEqual([null, 'internal']);
  });
});
