/** The mock host's settings: an address is taken when it looks like one, and answers unless its name says otherwise. */
import { CollieError } from '../../../../electron/shared/errors.ts';
import type { Handlers } from './mock-client.ts';

export function mockSettings(): Pick<
  Handlers,
  'settings.get' | 'settings.setWebhook' | 'settings.testWebhook'
> {
  let webhook: string | null = null;
  const require = (url: string) => {
    if (url.startsWith('http')) return;
    throw new CollieError(
      'request.invalid',
      `${url} is no address of a web server.`,
      'Give one that begins with https://.',
    );
  };
  return {
    'settings.get': () => ({ webhook }),
    'settings.setWebhook': ({ url }) => {
      if (url !== null) require(url);
      webhook = url;
      return { webhook };
    },
    'settings.testWebhook': ({ url }) => {
      require(url);
      if (url.includes('silent'))
        throw new CollieError('request.invalid', `${url} did not take the test: it answered 500.`, '');
      return {};
    },
  };
}
