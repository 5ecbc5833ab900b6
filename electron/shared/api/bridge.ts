/**
 * What the preload script puts into the page under Electron, as `window.collie`. In the browser shell it is absent and
 * the page speaks the same messages (api.ts: Request, Reply) over a WebSocket.
 */
export interface PickPathOptions {
  kind: 'file' | 'folder';
  /** Without dots, e.g. ["gguf"]. Empty or absent: every file. */
  extensions?: string[];
}

export interface CollieBridge {
  /** Sends one Request of api.ts to the host. */
  send(message: unknown): void;
  /** Every Reply of the host. Returns the function that stops listening. */
  onMessage(listener: (message: unknown) => void): () => void;
  /** Opens the system's dialog; null when the user cancels. */
  pickPath(options: PickPathOptions): Promise<string | null>;
  /** Shows a folder in the system's file manager. Resolves with why it could not, or an empty text. */
  openFolder(path: string): Promise<string>;
  /** Where a dropped or chosen file lies; empty for what is no file of this machine. */
  pathOf(file: File): string;
}

/** Path of the WebSocket endpoint in the browser shell, on the page's own origin. The cookie authenticates it. */
export const WEBSOCKET_PATH = '/api';
/** Close code of that socket when the token is missing or wrong (application range of RFC 6455). */
export const WEBSOCKET_CLOSE_DENIED = 4401;

/** Channels of the Electron bridge. Only the preload script and transport/electron-ipc.ts use them. */
export const ipcChannels = {
  request: 'collie:request',
  reply: 'collie:reply',
  ack: 'collie:ack',
  pickPath: 'collie:pick-path',
  openFolder: 'collie:open-folder',
} as const;
