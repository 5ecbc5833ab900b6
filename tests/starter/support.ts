/** The real starter model, where `npm run quickstart` has put it. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { defaultHome } from '../../electron/server/host/services.ts';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import type { Home } from '../e2e/support/host.ts';

export const starterFolder = join(defaultHome(), 'models', STARTER_MODEL_ID);
/** What its card is called once it was imported. */
export const STARTER_NAME = 'SmolLM2 135M Instruct';

/** Into the user's folder, from which the workbench may open it; returns where it is. */
export function copyStarter({ user }: Home): string {
  const folder = join(user, STARTER_MODEL_ID);
  cpSync(starterFolder, folder, { recursive: true });
  return folder;
}
