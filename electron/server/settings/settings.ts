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

/** Throws request.invalid for what is no address of a web server. */
export function requireWebAddress(url: string): void {
  if (/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) return;
  const message = url.trim() === '' ? 'There is no address.' : `${url} is no address of a web server.`;
  throw new CollieError('request.invalid', message, 'Give one that begins with https://.', { url });
}

/** null: none. Throws request.invalid for what is no address of a web server. */
export function setWebhook(home: string, url: string | null): Settings {
  if (url !== null) requireWebAddress(url);
  const settings = { ...readSettings(home), webhook: url };
  writeJsonAtomic(join(home, FILE), settings);
  return settings;
}
