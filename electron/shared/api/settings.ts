/** What the user has set for all runs of a library. */
import { z } from 'zod';
import { ok } from './common.ts';

const settingsSchema = z.object({
  /** Where alarms are sent; null: nowhere. */
  webhook: z.string().nullable(),
});
export type Settings = z.infer<typeof settingsSchema>;

export const settingsMethods = {
  'settings.get': { params: z.object({}), result: settingsSchema },
  /** null: alarms are sent nowhere. Fails with request.invalid for what is no address of a web server. */
  'settings.setWebhook': { params: z.object({ url: z.string().nullable() }), result: settingsSchema },
  /** Sends one message now, whatever is set. Fails with request.invalid when the address does not take it. */
  'settings.testWebhook': { params: z.object({ url: z.string() }), result: ok },
} as const;
