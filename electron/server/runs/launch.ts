/** Starts the supervisor of a run as a process of its own session, so that no end of ours is an end of the run's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CollieError } from '../../shared/errors.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { errorLine } from '../rank/rank.ts';
import { readStatus, readSupervisorFile } from './folder.ts';

/** resume: from the newest checkpoint, or from the one that is named. */
export type StartMode = 'start' | 'resume' | `resume:${string}`;

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 25;

/** How to run a script of ours: from source with tsx, or compiled; under Electron as plain Node. */
export function nodeCommand(scriptUrl: URL): { command: string; args: string[]; env: NodeJS.ProcessEnv } {
  const script = fileURLToPath(scriptUrl);
  const args = script.endsWith('.ts')
    ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, script]
    : [script];
  const env = { ...process.env };
  if (process.versions.electron) env.ELECTRON_RUN_AS_NODE = '1';
  return { command: process.execPath, args, env };
}

/** Resolves once the supervisor has taken the run over, for this attempt of it. Throws what it wrote when it ended before that. */
export async function launchSupervisor(runDir: string, mode: StartMode, attempt: number): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { command, args, env } = nodeCommand(new URL(`../../supervisor/main.${extension}`, import.meta.url));
  const logPath = join(runDir, runFiles.supervisorLog);
  mkdirSync(dirname(logPath), { recursive: true });
  const logStart = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  const log = openSync(logPath, 'a', 0o600);
  let child: ChildProcess;
  try {
    const asked = mode === 'start' ? [] : ['--resume'];
    if (mode.startsWith('resume:')) asked.push('--checkpoint', mode.slice('resume:'.length));
    // `detached` is setsid: no signal of our terminal or window reaches it.
    child = spawn(command, [...args, runDir, ...asked, '--attempt', String(attempt)], {
      detached: true,
      stdio: ['ignore', log, log],
      env,
      cwd: runDir,
    });
  } finally {
    closeSync(log);
  }
  await ready(child, runDir, { path: logPath, start: logStart });
  child.unref();
}

/** What was written before belongs to earlier attempts. */
interface StartLog {
  path: string;
  start: number;
}

function ready(child: ChildProcess, runDir: string, log: StartLog): Promise<void> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const settle = (error: Error | null) => {
      clearInterval(timer);
      child.removeAllListeners('exit');
      if (error) reject(error);
      else resolve();
    };
    const timer = setInterval(() => {
      if (signedIn(runDir, child.pid)) settle(null);
      else if (performance.now() - started > READY_TIMEOUT_MS)
        settle(notStarted('it did not get ready', log));
    }, READY_POLL_MS);
    child.on('error', (error) => settle(notStarted(error.message, log)));
    // A run that ends at once has recorded how; only a supervisor that could not even do that is an error of the start.
    child.once('exit', (code, signal) =>
      settle(code === 0 ? null : notStarted(`it ended with ${signal ?? `code ${code}`}`, log)),
    );
  });
}

/**
 * Whether this supervisor owns the run and its status says so. Until then the status is that of the attempt before: who asked for a
 * resume would see the run as ended.
 */
export function signedIn(runDir: string, pid: number | undefined): boolean {
  if (readSupervisorFile(runDir)?.supervisor.pid !== pid) return false;
  try {
    return readStatus(runDir).supervisorPid === pid;
  } catch {
    return false; // Torn, or being written in place on a full disk.
  }
}

/** What it said itself, else that it did not start. */
function notStarted(why: string, { path, start }: StartLog): CollieError {
  const text = existsSync(path) ? readFileSync(path).subarray(start).toString('utf8') : '';
  const own = errorLine(text);
  if (own) return own;
  const log = text.trimEnd().split('\n').slice(-5).join('\n');
  return new CollieError('rank.died', `The supervisor of this run did not start: ${why}.`, `See ${path}.`, {
    log,
  });
}
