/** The application menu: what the system expects, and no developer tools in a packaged build. */
import { app, Menu, type MenuItemConstructorOptions, shell } from 'electron';

export function installMenu(): void {
  const mac: MenuItemConstructorOptions[] = process.platform === 'darwin' ? [{ role: 'appMenu' }] : [];
  const tools: MenuItemConstructorOptions[] = app.isPackaged ? [] : [{ role: 'toggleDevTools' }];
  const view: MenuItemConstructorOptions = {
    label: 'View',
    submenu: [
      { role: 'reload' },
      ...tools,
      { type: 'separator' },
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      { role: 'zoomOut' },
      { type: 'separator' },
      { role: 'togglefullscreen' },
    ],
  };
  const paper = 'https://arxiv.org/abs/2312.00407';
  const help: MenuItemConstructorOptions = {
    role: 'help',
    submenu: [{ label: 'The CoLLiE paper', click: () => void shell.openExternal(paper) }],
  };
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...mac,
      { role: 'fileMenu' },
      { role: 'editMenu' },
      view,
      { role: 'windowMenu' },
      help,
    ]),
  );
}
