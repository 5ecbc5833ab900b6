/** What a slice is made with. State changes only through `set`; components get actions, never `set`. */
import type { Client } from '../client/client.ts';
import type { Store } from './store.ts';

export interface SliceContext {
  readonly client: Client;
  readonly get: () => Store;
  readonly set: (change: Partial<Store> | ((state: Store) => Partial<Store>)) => void;
}

/** A list that may not have been fetched yet: `null` until then. */
export type Loaded<T> = readonly T[] | null;
