/** Handlers of callbacks. */
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function callbackHandlers({ callbacks, confine }: Services): AreaHandlers<'callbacks'> {
  return {
    'callbacks.inspect': async ({ paths }) => {
      const named = await Promise.all(paths.map((path) => confine(path)));
      return Promise.all(named.map((path) => callbacks.inspect(path)));
    },
    'callbacks.trust': async ({ callbacks: shown }) => {
      for (const { path } of shown) await confine(path);
      callbacks.approve(shown);
      return {};
    },
  };
}
