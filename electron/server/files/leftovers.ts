/**
 * What a process leaves that is killed in the middle: folders and files under names that say whose they are. Only what is surely ours, and whose
 * owner is dead, is removed; a library may be shared, and another machine's process ids say nothing here.
 */
import { createHash } from 'node:crypto';
import { type Dirent, lstatSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** `<prefix><this machine>-<process>-`: how the name of something begins that is being made. */
export const ownName = (prefix: string): string => `${prefix}${HOST}-${process.pid}-`;

const OWNER = /^([0-9a-f]{8})-(\d+)-/;

/** Whether a name goes on with a process of this machine that has ended. null: it says of no such process. */
export function ownerEnded(rest: string): boolean | null {
  const [, host, pid] = OWNER.exec(rest) ?? [];
  return host === HOST ? !isRunning(Number(pid)) : null;
}

/** What was not touched for so long is no longer being made. */
const ABANDONED_MS = 24 * 60 * 60_000;

const isOld = (path: string) =>
  Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > ABANDONED_MS;

/** Whether what is called so was left behind. Without an owner of this machine in its name, a day untouched says so. */
const isLeft = (folder: string, name: string, prefix: string): boolean =>
  ownerEnded(name.slice(prefix.length)) ?? isOld(join(folder, name));

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const entriesOf = (folder: string): Promise<Dirent[]> =>
  readdir(folder, { withFileTypes: true }).catch(() => []);

async function removeWhere(
  folder: string,
  left: (entry: Dirent) => boolean | Promise<boolean>,
): Promise<void> {
  // What cannot be removed now is tried again at the next start.
  for (const entry of await entriesOf(folder))
    if (await left(entry))
      await rm(join(folder, entry.name), { recursive: true, force: true }).catch(() => {});
}

/** Removes what begins with `prefix` and was left behind. */
export const removeLeftovers = (folder: string, prefix: string): Promise<void> =>
  removeWhere(folder, ({ name }) => name.startsWith(prefix) && isLeft(folder, name, prefix));

/** `.status.json.1234.tmp` and `supervisor.json.lock.1234`, of supervisors that were killed while they wrote. */
const OF_PROCESS = /^(?:\..+\.(\d+)\.tmp|supervisor\.json\.lock\.(\d+)(?:\.stale)?)$/;

export const removeTemporaryFiles = (folder: string): Promise<void> =>
  removeWhere(folder, (entry) => {
    const [, one, other] = OF_PROCESS.exec(entry.name) ?? [];
    const pid = Number(one ?? other ?? Number.NaN);
    return entry.isFile() && !Number.isNaN(pid) && !isRunning(pid) && settled(join(folder, entry.name));
  });

/** A socket is bound a moment before somebody listens to it, and a clock may be a little off. */
const SETTLED_MS = 60_000;
const settled = (path: string) =>
  Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > SETTLED_MS;

/** Removes sockets that nobody listens to. */
export const removeDeadSockets = (folder: string): Promise<void> =>
  removeWhere(folder, (entry) => {
    const path = join(folder, entry.name);
    return entry.isSocket() && settled(path) && isDeaf(path);
  });

function isDeaf(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    const done = (deaf: boolean) => {
      connection.destroy();
      resolve(deaf);
    };
    connection.on('connect', () => done(false));
    connection.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED'));
    connection.setTimeout(1000, () => done(false));
  });
}
