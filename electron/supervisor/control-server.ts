/** The supervisor's end of the control socket (server/runs/control.ts has the other). */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { readLines } from '../server/files/lines.ts';
import { type ControlReply, type ControlRequest, controlRequestSchema } from '../server/runs/control.ts';
import { parseJson } from '../shared/api/json.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';

/** Acts on a command; what it throws goes back as the error. Returns when the request has been passed on. */
export type CommandHandler = (request: ControlRequest) => void;

/** A question of some thousand tokens. */
const MAX_LINE_BYTES = 128 * 1024;
/** Answers that a client leaves unread. */
const MAX_UNREAD_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 64;
const IDLE_MS = 60_000;

export interface ControlServer {
  close(): void;
}

/** Listens before it resolves. The folder of the socket is private, the socket is 0600 as well. */
export function listenForCommands(path: string, handle: CommandHandler): Promise<ControlServer> {
  const named = !path.startsWith('\\\\');
  const connections = new Set<Socket>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    answerLines(connection, handle);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    if (named) rmSync(path, { force: true });
    server.once('error', reject);
    server.listen(path, () => {
      if (named) chmodSync(path, 0o600);
      server.removeListener('error', reject);
      // Accepting failed (no descriptors left, say): the next client may have more luck.
      server.on('error', () => {});
      resolve({ close: () => closeAll(server, connections) });
    });
  });
}

function answerLines(connection: Socket, handle: CommandHandler): void {
  connection.on('error', () => connection.destroy());
  // Half-open, or one that never says anything.
  connection.setTimeout(IDLE_MS, () => connection.destroy());
  const onLine = (line: string) => {
    if (!connection.writable) return;
    connection.write(`${JSON.stringify(answer(line, handle))}\n`);
    if (connection.writableLength > MAX_UNREAD_BYTES) connection.destroy();
  };
  readLines(connection, onLine, { maxBytes: MAX_LINE_BYTES, onOverflow: () => connection.destroy() });
}

function answer(line: string, handle: CommandHandler): ControlReply {
  try {
    const parsed = controlRequestSchema.safeParse(jsonOf(line));
    if (!parsed.success) throw new CollieError('request.invalid', `Not a command: ${line.slice(0, 100)}`);
    handle(parsed.data);
    return { ok: true };
  } catch (thrown) {
    return { error: toErrorInfo(thrown) };
  }
}

function jsonOf(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return null; // No command either way.
  }
}

function closeAll(server: Server, connections: Set<Socket>): void {
  server.close();
  for (const connection of connections) connection.destroySoon();
}

/** The answer to a command that needs ranks that train. */
export function notTraining(command: string, phase: string): CollieError {
  return new CollieError(
    'run.not_live',
    `The run cannot ${command} now: it is in phase "${phase}".`,
    'Try again once it trains.',
    { phase },
  );
}
