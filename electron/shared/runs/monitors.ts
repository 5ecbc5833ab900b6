/** What the supervisor measures of the machine while a run trains (docs/monitors.md), as events of a stream of their own. */
import { z } from 'zod';
import type { monitorEventTypes } from './event-streams.ts';

export const monitorPayloads = {
  /** First event of every attempt: what was measured at later steps is void, but for the energy, which was spent. */
  monitors_started: z.object({ resumed_from_step: z.number().int() }),
  /** Since the event before; metrics by their names (`runs/metrics.ts`), those of one of several ranks or GPUs under `partName`. */
  monitored: z.object({ metrics: z.record(z.string(), z.number().nullable()) }),
} as const satisfies Record<(typeof monitorEventTypes)[number], z.ZodType>;
