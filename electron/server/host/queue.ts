/** Handlers of the queue. */
import { checkSweep, readSweep } from '../queue/sweep.ts';
import { requireRank } from '../rank/rank.ts';
import { writeTags } from '../runs/tags.ts';
import type { AreaHandlers } from './handlers.ts';
import { validateSpec } from './library.ts';
import { invalidSpec } from './runs.ts';
import type { Services } from './services.ts';

export function queueHandlers(services: Services): AreaHandlers<'queue'> {
  const { queue, statuses } = services;
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
      const forecast = {
        seconds: preview?.time.seconds ?? null,
        memoryBytes: preview?.memory.totalBytes ?? null,
      };
      const id = await queue.add(resolved, forecast, after);
      statuses.refresh();
      return { id };
    },
    'queue.previewSweep': async ({ sweep }) =>
      (await checkSweep(readSweep(sweep), (spec) => validateSpec(services, spec))).preview,
    'queue.addSweep': async ({ sweep: input, leave_out }) => {
      const sweep = readSweep(input);
      const { preview, runs } = await checkSweep(sweep, (spec) => validateSpec(services, spec));
      const wrong = preview.points.flatMap(({ issues }) => issues);
      if (runs.length === 0 || (wrong.length > 0 && !leave_out)) throw invalidSpec(wrong);
      requireRank(runs[0]?.spec.device);
      const ids: string[] = [];
      for (const { spec, forecast } of runs) {
        const id = await queue.add(spec, forecast);
        await writeTags(services.runs.dir(id), [sweep.name]);
        ids.push(id);
      }
      statuses.refresh();
      return { ids };
    },
    'queue.retry': ({ id }) => changing(queue.retry(id)),
    'queue.move': ({ id, before }) => changing(queue.move(id, before)),
    'queue.change': ({ id, ...change }) => changing(queue.change(id, change)),
    'queue.set': (change) => changing(queue.set(change)),
    'queue.remove': ({ id }) => changing(queue.remove(id)),
    'queue.startNow': ({ id }) => changing(queue.startNow(id)),
  };
}
