/** Client of the Electron shell, over the bridge that the preload script puts into the window. */
import type { CollieBridge } from '../../../electron/shared/api/bridge.ts';
import type { Client } from './client.ts';
import { Exchange } from './exchange.ts';

export function createIpcClient(bridge: CollieBridge): Client {
  const exchange = new Exchange();
  const stop = bridge.onMessage((message) => exchange.receive(message));
  exchange.attach((message) => bridge.send(message));
  return {
    call: (method, params) => exchange.call(method, params),
    subscribe: (topic, params, onEvent, onEnd) => exchange.subscribe(topic, params, onEvent, onEnd),
    // The host is the process that owns this window: where it ends, the window ends.
    line: () => ({ state: 'open', retryAt: null }),
    onLine: () => () => {},
    retry: () => {},
    close: stop,
  };
}
