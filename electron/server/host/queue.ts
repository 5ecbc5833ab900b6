/** Handlers of the queue. */
import { requireRank } from '../rank/rank.ts';
import type { AreaHandlers } from './handlers.ts';
import { validateSpec } from './library.ts';
import { invalidSpec } from './runs.ts';
import type { Services } from './services.ts';

export function queueHandlers(services: Services): AreaHandlers<'queue'> {
  const { queue, statuses, callbacks, judges } = services;
  /** Shows the change to everyone who watches without waiting for the next look at the disk. */
  const changing = async (change: Promise<void> | void) => {
    await change;
    statuses.refresh();
    return {};
  };
  return {
    'queue.get': () => queue.state(),
    'queue.add': async ({ spec, after }) => {
      const { issues, resolved, preview } = await validateSpec(services, spec);
      if (!resolved) throw invalidSpec(issues);
      requireRank(resolved.device);
      await callbacks.require(resolved.callbacks);
      judges.require(resolved);
      const forecast = {
        seconds: preview?.time.seconds ?? null,
        memoryBytes: preview?.memory.totalBytes ?? null,
      };
      const id = await queue.add(resolved, forecast, after);
      statuses.refresh();
      return { id };
    },
    'queue.retry': ({ id }) => changing(queue.retry(id)),
    'queue.move': ({ id, before }) => changing(queue.move(id, before)),
    'queue.change': ({ id, ...change }) => changing(queue.change(id, change)),
    'queue.set': (change) => changing(queue.set(change)),
    'queue.remove': ({ id }) => changing(queue.remove(id)),
    'queue.startNow': ({ id }) => changing(queue.startNow(id)),
  };
}
