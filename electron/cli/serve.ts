/** `collie serve` and `collie start`: the workbench in a browser, or in its own window where Electron is installed. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pc from 'picocolors';
import { createHost, defaultHome } from '../server/host.ts';
import { installRoot } from '../server/native/addon.ts';
import { readOrCreateToken } from '../transport/auth.ts';
import { serve } from '../transport/websocket.ts';

export const DEFAULT_PORT = 7433;

export interface ServeFlags {
  port: number;
  open: boolean;
  allowOrigin: string[];
}

/** Serves until SIGINT or SIGTERM. Runs go on after that. */
export async function serveCommand(flags: ServeFlags): Promise<void> {
  const host = createHost({ home: defaultHome(), shell: 'browser', paths: 'confined' });
  const token = readOrCreateToken(host.services.home);
  const pageDir = join(installRoot(), 'dist/renderer');
  const server = await serve({ host, token, port: flags.port, pageDir, allowedOrigins: flags.allowOrigin });
  process.stdout.write(`${pc.green('Collie Workbench')} ${server.url}\n`);
  process.stdout.write(pc.dim('Keep this address to yourself. Ctrl-C ends the page; runs go on.\n'));
  if (flags.open) openInBrowser(server.url);
  await endSignal();
  await server.close();
  await host.close();
}

/** The window where Electron and a display are there, else the browser. */
export async function startCommand(flags: ServeFlags): Promise<void> {
  const electron = electronBinary();
  if (electron && hasDisplay()) {
    const child = spawn(electron, [installRoot()], { stdio: 'inherit' });
    process.exitCode = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.once('exit', (code) => resolve(code ?? 0));
    });
    return;
  }
  const why = electron ? 'There is no display here' : 'The Electron program is not installed';
  process.stdout.write(`${why}: opening the workbench in your browser instead.\n`);
  await serveCommand(flags);
}

/** The program that the `electron` package downloaded; null when its download was skipped. */
function electronBinary(): string | null {
  const root = join(installRoot(), 'node_modules/electron');
  const pathFile = join(root, 'path.txt');
  if (!existsSync(pathFile)) return null;
  const program = join(root, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(program) ? program : null;
}

function hasDisplay(): boolean {
  return process.platform !== 'linux' || !!process.env.DISPLAY || !!process.env.WAYLAND_DISPLAY;
}

function openInBrowser(url: string): void {
  if (!hasDisplay()) return;
  const commands: Partial<Record<NodeJS.Platform, [string, string[]]>> = {
    darwin: ['open', [url]],
    win32: ['cmd', ['/c', 'start', '', url]],
  };
  const [command, args] = commands[process.platform] ?? ['xdg-open', [url]];
  // No browser to open is no failure: the address is on the screen.
  spawn(command, args, { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}

function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
