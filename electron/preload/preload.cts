/**
 * The only code between the page and Electron: carries messages, opens the system's dialog, knows nothing of what is
 * said. Runs sandboxed, so it can load nothing but `electron`; the channel names are those of shared/api/bridge.ts (a test
 * holds them equal).
 */
const { contextBridge, ipcRenderer, webUtils } = require('electron') as typeof import('electron');

type Listener = (message: unknown) => void;
const listeners = new Set<Listener>();

ipcRenderer.on('collie:reply', (_event, sequence: number, message: unknown) => {
  for (const listener of listeners) listener(message);
  // The host waits for these when the page cannot keep up.
  ipcRenderer.send('collie:ack', sequence);
});

contextBridge.exposeInMainWorld('collie', {
  send(message: unknown): void {
    ipcRenderer.send('collie:request', message);
  },
  onMessage(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  pickPath(options: unknown): Promise<string | null> {
    return ipcRenderer.invoke('collie:pick-path', options);
  },
  openFolder(path: unknown): Promise<string> {
    return ipcRenderer.invoke('collie:open-folder', path);
  },
  pathOf(file: File): string {
    return webUtils.getPathForFile(file);
  },
});
