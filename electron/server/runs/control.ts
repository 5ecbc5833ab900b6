/** Speaking to a supervisor: one JSON line out, one back, over its Unix domain socket (a named pipe on Windows). */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../shared/api/json.ts';
import { errorInfoSchema } from '../../shared/error-info.ts';
import { CollieError } from '../../shared/errors.ts';
import { runChangeSchema, runRequests } from '../../shared/runs/requests.ts';

/** What the rank is asked for an answer of the live weights (native/engine/train/live_answers.h). */
const liveRequestSchema = z.strictObject({
  /** Whether the trained adapter takes part; without it the base model answers. */
  adapter: z.boolean(),
  ids: z.array(z.number().int().min(0)).min(1),
  stop_ids: z.array(z.number().int().min(0)),
  max_new_tokens: z.number().int().min(1),
  temperature: z.number(),
  top_k: z.number().int(),
  top_p: z.number(),
  seed: z.number().int(),
});
export type LiveRequest = z.infer<typeof liveRequestSchema>;

/** Also the name of the file with the answer. */
const questionId = z.string().regex(/^[A-Za-z0-9-]{1,64}$/);

/**
 * stop: save and end, in `phase` where one is given. kill: end at once, saving nothing. ask: an answer of the weights as they are; cancel: no longer wanted. change: other
 * settings from the next step on. The rest: `runRequests`.
 */
export const controlRequestSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal(['kill', 'ping', ...runRequests]) }),
  z.strictObject({ command: z.literal('stop'), phase: z.string().max(200).optional() }),
  z.strictObject({ command: z.literal('change'), ...runChangeSchema.shape }),
  z.strictObject({ command: z.literal('ask'), id: questionId, request: liveRequestSchema }),
  z.strictObject({ command: z.literal('cancel'), id: questionId }),
]);
export type ControlRequest = z.infer<typeof controlRequestSchema>;
export type ControlCommand = ControlRequest['command'];
export const controlReplySchema = z.union([
  z.object({ ok: z.literal(true) }),
  z.object({ error: errorInfoSchema }),
]);
export type ControlReply = z.infer<typeof controlReplySchema>;

const REPLY_TIMEOUT_MS = 5_000;
const MAX_REPLY_LENGTH = 64 * 1024;
/** Longest socket path of the kernel is 108 bytes with the closing zero (104 on macOS). */
const MAX_SOCKET_PATH = 103;

/**
 * Where the socket of a run goes: `<home>/sockets`, which no cleaner of temporary files touches, else, when that path is
 * too long for a socket, a private folder in the temporary folder. Creates the folder, 0700.
 */
export function socketPath(runDir: string, home: string): string {
  const name = createHash('sha256').update(`${runDir}\0${process.pid}`).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\collie-${name}`;
  const [atHome, elsewhere] = socketFolders(home);
  const fits = Buffer.byteLength(join(atHome, name)) <= MAX_SOCKET_PATH;
  const path = join(fits ? atHome : elsewhere, name);
  makePrivateFolder(join(path, '..'));
  return path;
}

/** In the library, and the one for libraries whose path is too long. */
export const socketFolders = (home: string) =>
  [join(home, 'sockets'), join(tmpdir(), `collie-${userInfo().uid}`)] as const;

/** Throws setup.failed when the folder exists but belongs to somebody else: a planted folder could read our commands. */
function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const info = lstatSync(folder);
  if (!info.isDirectory() || info.uid !== userInfo().uid) {
    throw new CollieError('setup.failed', `${folder} belongs to another user.`, 'Remove it, or set TMPDIR.', {
      folder,
    });
  }
  chmodSync(folder, 0o700);
}

/** Sends one command and waits for the reply. Throws run.not_live when nobody answers, or the error of the supervisor. */
export function sendCommand(socket: string, request: ControlRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let received = '';
    const fail = (why: string) => {
      connection.destroy();
      reject(
        new CollieError('run.not_live', `The supervisor of this run does not answer: ${why}.`, '', {
          command: request.command,
        }),
      );
    };
    connection.setTimeout(REPLY_TIMEOUT_MS, () => fail(`no reply in ${REPLY_TIMEOUT_MS / 1000} s`));
    connection.on('error', (error) => fail(error.message));
    connection.on('connect', () => connection.write(`${JSON.stringify(request)}\n`));
    connection.on('end', () => fail('it closed the connection'));
    connection.on('data', (chunk) => {
      received += chunk.toString('utf8');
      const end = received.indexOf('\n');
      if (end < 0) {
        if (received.length > MAX_REPLY_LENGTH) fail('it does not answer in lines');
        return;
      }
      connection.removeAllListeners('end');
      connection.destroy();
      try {
        const reply = controlReplySchema.parse(parseJson(received.slice(0, end)));
        if ('ok' in reply) resolve();
        else reject(CollieError.fromInfo(reply.error));
      } catch {
        fail('its answer is none');
      }
    });
  });
}
