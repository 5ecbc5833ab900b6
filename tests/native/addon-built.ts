/** Tests that need the native addon run where it is built (`npm test` builds it first) and are counted as skipped elsewhere. */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { addonPath } from '../../electron/server/native/addon.ts';

export const describeWithAddon = describe.skipIf(!existsSync(addonPath()));
