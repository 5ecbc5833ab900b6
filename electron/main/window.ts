/** The window: sandboxed, isolated, and unable to leave our page. */

import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrowserWindow, dialog, nativeTheme, shell } from 'electron';
import { z } from 'zod';
import { isOurPage, PAGE_ORIGIN } from './page.ts';

export function openWindow(iconPath: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1360,
    height: 880,
    minWidth: 900,
    minHeight: 600,
    show: false,
    icon: iconPath,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#1a1b1e' : '#ffffff',
    webPreferences: {
      preload: fileURLToPath(new URL('../preload/preload.cjs', import.meta.url)),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  guard(window);
  void window.loadURL(`${PAGE_ORIGIN}/`);
  return window;
}

function guard(window: BrowserWindow): void {
  const { webContents } = window;
  const stay = (event: { preventDefault(): void; url: string }) => {
    if (isOurPage(event.url)) return;
    event.preventDefault();
    openOutside(event.url);
  };
  webContents.on('will-navigate', stay);
  webContents.on('will-frame-navigate', stay);
  webContents.on('will-redirect', stay);
  webContents.on('will-attach-webview', (event) => event.preventDefault());
  webContents.setWindowOpenHandler(({ url }) => {
    openOutside(url);
    return { action: 'deny' };
  });
  // What is asked for, and what a page may find out without asking.
  const allowed = (permission: string) => permission === 'clipboard-sanitized-write';
  const { session } = webContents;
  session.setPermissionRequestHandler((_contents, permission, decide) => decide(allowed(permission)));
  session.setPermissionCheckHandler((_contents, permission) => allowed(permission));
  session.setDevicePermissionHandler(() => false);
}

/** Links to papers and documentation open in the system's browser; anything but https goes nowhere. */
function openOutside(url: string): void {
  if (URL.canParse(url) && new URL(url).protocol === 'https:') void shell.openExternal(url);
}

const pickPathSchema = z.strictObject({
  kind: z.enum(['file', 'folder']),
  extensions: z
    .array(z.string().regex(/^[A-Za-z0-9]{1,16}$/))
    .max(32)
    .default([]),
});

/** The system's dialog; null when the user cancels. Throws on options that are none. */
export async function pickPath(window: BrowserWindow, options: unknown): Promise<string | null> {
  const { kind, extensions } = pickPathSchema.parse(options);
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    properties: kind === 'folder' ? ['openDirectory'] : ['openFile'],
    filters: kind === 'file' && extensions.length > 0 ? [{ name: extensions.join(', '), extensions }] : [],
  });
  return canceled ? null : (filePaths[0] ?? null);
}

/** Shows a folder in the file manager; a file never, as the system would run it. Resolves with why not, or an empty text. */
export async function openFolder(path: unknown): Promise<string> {
  if (typeof path !== 'string' || !isAbsolute(path)) return 'A folder is named by its whole path.';
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) return `${path} is no folder.`;
  return shell.openPath(path);
}
