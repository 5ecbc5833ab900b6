/**
 * The first code of the page. It imports no package: the host is asked, and the code of the page fetched, while React and the components are
 * still on their way.
 */
import { preloadPage } from './app/page-code.ts';
import { parseRoute } from './app/route.ts';
import { connectClient } from './client/connect.ts';

/** Longer than this the window does not wait to be drawn together with its page. */
const TOGETHER_MS = 500;

/** No `await` of the module itself: what it waits for waits until this module has run. */
async function begin(): Promise<void> {
  const client = connectClient();
  const page = preloadPage(parseRoute(location.hash), client);
  const { start } = await import('./app/start.tsx');
  await Promise.race([page, new Promise((resolve) => setTimeout(resolve, TOGETHER_MS))]);
  start(await client);
}

void begin();
