/** What the store talks to: the Api of electron/shared plus the state of the line to the host. */
import type { Api } from '../../../electron/shared/api/api.ts';

/** `denied`: the host refused us (wrong token or origin); trying again is of no use. */
export type LineState = 'connecting' | 'open' | 'lost' | 'denied';

export interface Line {
  readonly state: LineState;
  /** When the next attempt is made, in milliseconds since the epoch; null when none is planned. */
  readonly retryAt: number | null;
}

export interface Client extends Api {
  line(): Line;
  /** Calls back with every change of the line. Returns the function that ends it. */
  onLine(listener: (line: Line) => void): () => void;
  /** Tries to connect now instead of at `retryAt`. */
  retry(): void;
  close(): void;
}
