/** The line to the host, and what the host says about itself. */
import type { MethodResult } from '../../../electron/shared/api/api.ts';
import type { Telemetry } from '../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import type { Line } from '../client/client.ts';
import { asErrorInfo } from './notices.ts';
import type { SliceContext } from './types.ts';

export type SystemInfo = MethodResult<'system.info'>;

export interface ConnectionSlice {
  line: Line;
  system: SystemInfo | null;
  systemError: ErrorInfo | null;
  /** Newest telemetry while somebody watches it, else the last one seen. */
  telemetry: Telemetry | null;
  retryConnection(): void;
  loadSystem(): Promise<void>;
  /** Streams telemetry into the store until the returned function is called. Several watchers share one stream. */
  watchTelemetry(): () => void;
}

export function connectionSlice({ client, set }: SliceContext): ConnectionSlice {
  let watchers = 0;
  let stop: (() => void) | null = null;
  return {
    line: client.line(),
    system: null,
    systemError: null,
    telemetry: null,
    retryConnection: () => client.retry(),
    async loadSystem() {
      try {
        set({ system: await client.call('system.info', {}), systemError: null });
      } catch (thrown) {
        set({ systemError: asErrorInfo(thrown) });
      }
    },
    watchTelemetry() {
      watchers += 1;
      stop ??= client.subscribe('telemetry', {}, (telemetry) => set({ telemetry }));
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        watchers -= 1;
        if (watchers > 0) return;
        stop?.();
        stop = null;
      };
    },
  };
}
