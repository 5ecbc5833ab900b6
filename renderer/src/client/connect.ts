/** Picks the client for the shell the page runs in. */
import { type CollieBridge, WEBSOCKET_PATH } from '../../../electron/shared/api/bridge.ts';
import type { Client } from './client.ts';
import { createIpcClient } from './electron-ipc.ts';
import { createWebSocketClient } from './websocket.ts';

declare global {
  interface Window {
    /** Present under Electron only. */
    readonly collie?: CollieBridge;
  }
}

export const electronBridge = (): CollieBridge | null => window.collie ?? null;

export async function connectClient(): Promise<Client> {
  const bridge = electronBridge();
  if (bridge) return createIpcClient(bridge);
  // A development aid: `vite` (or a build with --mode mock) with ?mock shows every page without a host. Not part of the product's bundle.
  if (import.meta.env.MODE !== 'production' && new URLSearchParams(location.search).has('mock')) {
    const { createMockClient } = await import('./mock/mock-client.ts');
    const { mockQueue } = await import('./mock/mock-queue.ts');
    const { mockSweeps, shownSweeps } = await import('./mock/mock-sweeps.ts');
    return createMockClient({ methods: mockSweeps(mockQueue().addAll, shownSweeps) });
  }
  const url = new URL(WEBSOCKET_PATH, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return createWebSocketClient({ url: url.href });
}
