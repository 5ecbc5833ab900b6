/** Handlers of callbacks. */
import { join } from 'node:path';
import { recordedCallbacks } from '../callbacks/record.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function callbackHandlers({ callbacks, runs, confine }: Services): AreaHandlers<'callbacks'> {
  return {
    'callbacks.inspect': async ({ paths, run }) => {
      const named = await Promise.all(paths.map((path) => confine(path)));
      const dir = run === null ? null : runs.dir(run);
      const copies = dir === null ? [] : recordedCallbacks(dir).map(({ file }) => join(dir, file));
      return Promise.all([...named, ...copies].map((path) => callbacks.inspect(path)));
    },
    'callbacks.trust': async ({ callbacks: shown }) => {
      for (const { path } of shown) await confine(path);
      callbacks.approve(shown);
      return {};
    },
  };
}
