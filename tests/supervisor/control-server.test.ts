/** The control socket under clients that hang up, flood and say nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendCommand } from '../../electron/server/runs/control.ts';
import { type ControlServer, listenForCommands } from '../../electron/supervisor/control-server.ts';

let folder: string;
let path: string;
let server: ControlServer;
let asked: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'collie-ctl-'));
  path = join(folder, 's');
  asked = [];
  server = await listenForCommands(path, ({ command }) => void asked.push(command));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function client(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => resolve(socket));
    socket.on('error', reject);
  });
}
const gone = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

test('clients that hang up before the answer, and with it unread, harm nobody', async () => {
  for (let count = 0; count < 50; count += 1) {
    const socket = await client();
    socket.write('{"command":"ping"}\n'.repeat(count));
    socket.destroy();
  }
  // Written into a connection that is reset: the errors arrive on the server's side.
  await sendCommand(path, { command: 'save' });
  expect(asked.at(-1)).toBe('save');
});

test('a client that asks without end and reads nothing is hung up on', async () => {
  const socket = await client();
  socket.pause();
  socket.on('error', () => {});
  const line = `${JSON.stringify({ command: 'x'.repeat(1000) })}\n`;
  const flood = () => {
    while (socket.write(line));
    if (!socket.destroyed) socket.once('drain', flood);
  };
  flood();
  await gone(socket);
  await sendCommand(path, { command: 'ping' });
});

test('lines that are no command are answered, endless ones end the connection', async () => {
  const socket = await client();
  socket.write(`${'['.repeat(2000)}\n${'['.repeat(1500)}${']'.repeat(1500)}\n`);
  const answers = await new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if (text.split('\n').length > 2) resolve(text);
    });
  });
  for (const answer of answers.trim().split('\n'))
    expect(JSON.parse(answer)).toMatchObject({ error: { code: expect.any(String) } });
  socket.write('x'.repeat(200_000));
  await gone(socket);
});
