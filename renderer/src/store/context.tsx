/** How components reach the store. */
import { createContext, type ReactNode, useContext } from 'react';
import { useStore as useZustand } from 'zustand';
import type { Client } from '../client/client.ts';
import type { Store, StoreHandle } from './store.ts';

const StoreContext = createContext<StoreHandle | null>(null);

export function StoreProvider({ handle, children }: { handle: StoreHandle; children: ReactNode }) {
  return <StoreContext value={handle}>{children}</StoreContext>;
}

/** The store itself, for those who must not be drawn anew with every change. Else use `useStore`. */
export function useStoreHandle(): StoreHandle {
  const handle = useContext(StoreContext);
  if (!handle) throw new Error('useStore needs a StoreProvider above it');
  return handle;
}

/** A piece of the state, or an action. The selector must return the same value for the same state (no new objects). */
export function useStore<T>(selector: (state: Store) => T): T {
  return useZustand(useStoreHandle().store, selector);
}

/** For calls whose answer no one else needs (a folder listing, one generation). Prefer a store action. */
export function useClient(): Client {
  return useStoreHandle().client;
}
