/** settings.json of the library: what the user has set for all runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CollieError } from '../../shared/errors.ts';
import { writeJsonAtomic } from '../runs/folder.ts';

const settingsSchema = z.object({
  v: z.literal(1),
  /** Where alarms are sent; null: nowhere. */
  webhook: z.string().nullable().default(null),
});
export type Settings = z.infer<typeof settingsSchema>;

const FILE = 'settings.json';

/** Without a file, or with one that cannot be read, everything is as it was delivered. */
export function readSettings(home: string): Settings {
  try {
    return settingsSchema.parse(JSON.parse(readFileSync(join(home, FILE), 'utf8')));
  } catch {
    return { v: 1, webhook: null };
  }
}

/** null: none. Throws request.invalid for what is no address of a web server. */
export function setWebhook(home: string, url: string | null): void {
  if (url !== null && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new CollieError(
      'request.invalid',
      `${url} is no address of a web server.`,
      'Give one that begins with https://.',
      {
        url,
      },
    );
  writeJsonAtomic(join(home, FILE), { ...readSettings(home), webhook: url });
}
