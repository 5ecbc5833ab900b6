/** Streams of the host. */
import { followEvents } from '../runs/events.ts';
import { watchTelemetry } from '../telemetry/telemetry.ts';
import type { TopicHandlers } from './handlers.ts';
import { askLive } from './live-questions.ts';
import type { Services } from './services.ts';

export function topicHandlers(services: Services): TopicHandlers {
  const { runs, statuses, queue, jobs, playground, home } = services;
  return {
    'runs.status': ({ changes }, signal) => statuses.watch(signal, changes),
    'runs.ask': (params, signal) => askLive(services, params, signal),
    'runs.events': ({ id, ...place }, signal) => followEvents(runs.dir(id), place, signal),
    queue: (_params, signal) => queue.watch(signal),
    jobs: (_params, signal) => jobs.watch(signal),
    telemetry: (_params, signal) => watchTelemetry(home, signal),
    'playground.generate': (params, signal) => playground.generate(params, signal),
  };
}
