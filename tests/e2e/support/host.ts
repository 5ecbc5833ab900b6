/** The real `collie serve` as a process of its own, on a fresh home, as a user would start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** The compiled CLI that users run; COLLIE_E2E_SOURCE=1 runs the sources instead, which saves a build while developing. */
export function cliCommand(): string[] {
  if (process.env.COLLIE_E2E_SOURCE) return ['--import', 'tsx', join(root, 'electron/cli/main.ts')];
  const compiled = join(root, 'dist/electron/cli/main.js');
  if (!existsSync(compiled)) throw new Error(`${compiled} is missing: run \`npm run build:node\``);
  return [compiled];
}

export interface Home {
  /** What the page's path picker shows first. */
  user: string;
  /** COLLIE_HOME. */
  collie: string;
}

export function makeHome(folder: string): Home {
  const home = { user: join(folder, 'user'), collie: join(folder, 'collie') };
  mkdirSync(home.user, { recursive: true }); // the library makes its own folder
  return home;
}

export const hostEnvironment = (home: Home): NodeJS.ProcessEnv => ({
  ...process.env,
  HOME: home.user,
  COLLIE_HOME: home.collie,
  NO_COLOR: '1',
  FORCE_COLOR: '0',
});

export class HostProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #output: string[];

  private constructor(child: ChildProcess, url: string, output: string[]) {
    this.#child = child;
    this.url = url;
    this.#output = output;
  }

  /** Resolves with the first address it prints. */
  static start(home: Home): Promise<HostProcess> {
    const child = spawn(process.execPath, [...cliCommand(), 'serve', '--port', '0'], {
      cwd: root,
      env: hostEnvironment(home),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    return new Promise((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        output.push(chunk.toString());
        const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(output.join(''))?.[0];
        if (url) resolve(new HostProcess(child, url, output));
      };
      child.stdout?.on('data', onData);
      child.stderr?.on('data', onData);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`collie serve ended with ${code}:\n${output.join('')}`)));
    });
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  get token(): string {
    return new URL(this.url).searchParams.get('token') ?? '';
  }

  get output(): string {
    return this.#output.join('');
  }

  /** SIGKILL: no handler of the host runs. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.kill(signal);
    });
  }
}

/** status.json of a run, as the supervisor wrote it. */
export function readStatus(
  home: Home,
  runId: string,
): { state: string; step: number; checkpoint: string | null; supervisorPid: number | null } {
  return JSON.parse(readFileSync(join(home.collie, 'runs', runId, 'status.json'), 'utf8'));
}

/** SIGKILL to a run's supervisor and its rank, as soon as the run has written a checkpoint: nothing waits in between, as the run goes on meanwhile. */
export async function killAtCheckpoint(home: Home, runId: string): Promise<void> {
  await expect.poll(() => readStatus(home, runId).checkpoint, { interval: 20 }).not.toBeNull();
  const file = join(home.collie, 'runs', runId, 'supervisor.json');
  const { supervisor, rank } = JSON.parse(readFileSync(file, 'utf8'));
  for (const { pid } of [supervisor, rank]) process.kill(pid, 'SIGKILL');
}

/** Ends a supervisor that a failed test left behind. Its rank ends with it. */
export function endRun(home: Home, runId: string): void {
  const statusFile = join(home.collie, 'runs', runId, 'status.json');
  if (!existsSync(statusFile)) return;
  const { supervisorPid } = readStatus(home, runId);
  if (supervisorPid === null) return;
  try {
    process.kill(supervisorPid, 'SIGTERM');
  } catch {
    // ended long ago
  }
}
