/** The Electron shell: a window over the host. Everything it does with models and runs is the host's. */
import { join } from 'node:path';
import { app, BrowserWindow, ipcMain, Notification, powerSaveBlocker, protocol } from 'electron';
import { createHost, defaultHome } from '../server/host.ts';
import { installRoot } from '../server/native/addon.ts';
import { ipcChannels } from '../shared/api/bridge.ts';
import { attachIpc } from '../transport/electron-ipc.ts';
import { bundledEngine } from './bundle.ts';
import { installMenu } from './menu.ts';
import { answerPage, isOurPage, PAGE_SCHEME } from './page.ts';
import { RunWatch } from './run-watch.ts';
import { openFolder, openWindow, pickPath } from './window.ts';

protocol.registerSchemesAsPrivileged([
  {
    scheme: PAGE_SCHEME,
    privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
  },
]);

// Two hosts over one library would both work, but nobody wants two windows from one click.
if (app.requestSingleInstanceLock()) void app.whenReady().then(start);
else app.quit();

function start(): void {
  if (app.isPackaged)
    Object.assign(process.env, bundledEngine(process.resourcesPath, process.platform, process.env));
  const host = createHost({ home: defaultHome(), shell: 'electron', paths: 'any' });
  const pageDir = join(installRoot(), 'dist/renderer');
  protocol.handle(PAGE_SCHEME, (request) => answerPage(pageDir, request.url));
  attachIpc(ipcMain, host, isOurPage);
  ipcMain.handle(ipcChannels.pickPath, (event, options: unknown) => {
    const window = BrowserWindow.fromWebContents(event.sender);
    if (!window || !isOurPage(event.senderFrame?.url ?? '')) return null;
    return pickPath(window, options);
  });
  ipcMain.handle(ipcChannels.openFolder, (event, path: unknown) =>
    isOurPage(event.senderFrame?.url ?? '') ? openFolder(path) : 'This page may not open folders.',
  );
  installMenu();

  const icon = join(installRoot(), 'assets/icon.png');
  openWindow(icon);
  watchRuns(host);
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) openWindow(icon);
  });
  app.on('second-instance', focusWindow);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('will-quit', () => void host.close());
}

function watchRuns(host: ReturnType<typeof createHost>): void {
  let blocker: number | null = null;
  const watch = new RunWatch({
    notify({ title, body }) {
      if (!Notification.isSupported()) return;
      const notification = new Notification({ title, body });
      notification.on('click', focusWindow);
      notification.show();
    },
    keepAwake(wanted) {
      if (wanted) blocker = powerSaveBlocker.start('prevent-app-suspension');
      else if (blocker !== null) powerSaveBlocker.stop(blocker);
    },
  });
  host.subscribe('runs.status', {}, (status) => watch.see(status));
}

function focusWindow(): void {
  const [window] = BrowserWindow.getAllWindows();
  if (window?.isMinimized()) window.restore();
  window?.focus();
}
