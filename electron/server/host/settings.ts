/** Handlers of what is set for all runs. */
import { testWebhook } from '../settings/post.ts';
import { readSettings, setWebhook } from '../settings/settings.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function settingsHandlers({ home }: Services): AreaHandlers<'settings'> {
  const settings = ({ webhook }: ReturnType<typeof readSettings>) => ({ webhook });
  return {
    'settings.get': () => settings(readSettings(home)),
    'settings.setWebhook': ({ url }) => settings(setWebhook(home, url)),
    'settings.testWebhook': async ({ url }) => {
      await testWebhook(url);
      return {};
    },
  };
}
