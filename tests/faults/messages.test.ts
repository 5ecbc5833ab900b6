/** Damaged messages to the host and to a supervisor: an answer or a closed connection, and both go on. */
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { sendCommand } from '../../electron/server/runs/control.ts';
import { listenForCommands } from '../../electron/supervisor/control-server.ts';
import type { ApiHost } from '../../electron/transport/dispatch.ts';
import { serve } from '../../electron/transport/websocket.ts';
import { FakeHome } from '../supervisor/harness.ts';
import { inputs } from './campaign.ts';

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

const token = 'x'.repeat(40);

test('WebSocket messages', async () => {
  const host = { call: (_: string, params: unknown) => Promise.resolve(params) } as unknown as ApiHost;
  const server = await serve({ host, token, port: 0, pageDir: fake.home });
  const open = () =>
    new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/api?token=${token}`);
      socket.on('open', () => resolve(socket)).on('error', reject);
    });
  const answered = (socket: WebSocket, message: string | Buffer) => {
    const over = new Promise((resolve) => socket.once('message', resolve).once('close', resolve));
    socket.send(message);
    return over;
  };
  const good = '{"id":1,"method":"runs.get","params":{"id":"a","list":[1,2,{"b":null}]}}';
  await inputs('WebSocket message', good, async (bytes) => {
    for (const message of [bytes.toString(), bytes]) {
      const socket = await open();
      await answered(socket, message);
      socket.terminate();
    }
  });
  const socket = await open();
  expect(String(await answered(socket, good))).toContain('"id":1');
  socket.terminate();
  await server.close();
});

test('control messages', async () => {
  const path = join(fake.home, 'socket');
  const server = await listenForCommands(path, () => {});
  await inputs('control message', '{"command":"ping"}\n', async (bytes) => {
    const connection = createConnection(path);
    const over = new Promise((resolve) =>
      connection.once('data', resolve).once('close', resolve).once('error', resolve),
    );
    connection.end(bytes);
    await over;
    connection.destroy();
  });
  await sendCommand(path, { command: 'ping' });
  server.close();
});
