/**
 * The API over Electron's IPC: one dispatcher a page. Written against the few members of Electron that it uses, so that it
 * is tested without the program and never imports it.
 */

import { ipcChannels } from '../shared/api/bridge.ts';
import type { Reply } from '../shared/api/reply.ts';
import { type ApiHost, Dispatcher } from './dispatch.ts';

/** The part of Electron's WebContents that is used. */
export interface PageLike {
  readonly id: number;
  isDestroyed(): boolean;
  send(channel: string, ...args: unknown[]): void;
  on(event: 'did-start-navigation', listener: (details: NavigationLike) => void): unknown;
  on(event: 'destroyed' | 'render-process-gone', listener: () => void): unknown;
}

export interface NavigationLike {
  readonly isMainFrame: boolean;
  readonly isSameDocument: boolean;
}

export interface IpcEventLike {
  readonly sender: PageLike;
  /** The frame that spoke; null when it is gone already. */
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}

/** The part of Electron's ipcMain that is used. */
export interface IpcMainLike {
  on(channel: string, listener: (event: IpcEventLike, ...args: unknown[]) => void): unknown;
}

/** This many messages may be on their way to a page that has not taken them yet; then subscriptions wait. */
const WINDOW = 64;

/** Serves the host to every page whose main frame has an address that `accepts`. Other frames are not answered. */
export function attachIpc(ipc: IpcMainLike, host: ApiHost, accepts: (url: string) => boolean): void {
  const pages = new Map<number, PageConnection>();
  const known = (event: IpcEventLike): PageConnection | null => {
    const frame = event.senderFrame;
    if (!frame || frame.parent !== null || !accepts(frame.url)) return null;
    const page = event.sender;
    const open = pages.get(page.id);
    if (open) return open;
    const connection = new PageConnection(host, page);
    pages.set(page.id, connection);
    return connection;
  };
  const watched = new Set<number>();
  const watch = (page: PageLike) => {
    if (watched.has(page.id)) return;
    watched.add(page.id);
    const { id } = page;
    const end = () => {
      pages.get(id)?.close();
      pages.delete(id);
    };
    // A page that is loaded again has forgotten its subscriptions.
    page.on('did-start-navigation', (details) => {
      if (details.isMainFrame && !details.isSameDocument) end();
    });
    page.on('render-process-gone', end);
    page.on('destroyed', () => {
      end();
      watched.delete(id);
    });
  };
  ipc.on(ipcChannels.request, (event, message) => {
    watch(event.sender);
    known(event)?.receive(message);
  });
  ipc.on(ipcChannels.ack, (event, sequence) => {
    if (typeof sequence === 'number') pages.get(event.sender.id)?.acknowledge(sequence);
  });
}

class PageConnection {
  readonly #page: PageLike;
  readonly #dispatcher: Dispatcher;
  #sent = 0;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(host: ApiHost, page: PageLike) {
    this.#page = page;
    this.#dispatcher = new Dispatcher(host, { write: (reply) => this.#write(reply) });
  }

  receive(message: unknown): void {
    this.#dispatcher.receive(message);
  }

  /** The preload script says how far the page has come. */
  acknowledge(sequence: number): void {
    this.#taken = Math.max(this.#taken, Math.min(sequence, this.#sent));
    if (this.#sent - this.#taken < WINDOW) this.#release();
  }

  close(): void {
    this.#dispatcher.close();
    this.#release();
  }

  async #write(reply: Reply): Promise<void> {
    if (this.#page.isDestroyed()) return;
    this.#page.send(ipcChannels.reply, this.#sent + 1, reply);
    this.#sent += 1;
    if (this.#sent - this.#taken < WINDOW) return;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
