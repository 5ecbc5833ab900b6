/** Tells a web server something: only the address that was named, and not for longer than a few seconds. */
import { CollieError } from '../../shared/errors.ts';
import { requireWebAddress } from './settings.ts';

const TIMEOUT_MS = 5_000;

/** As JSON. Throws what went wrong, an answer other than 2xx among it. */
export async function postJson(url: string, message: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
}

/** Whether alarms would arrive. Throws request.invalid with what keeps them from it. */
export async function testWebhook(url: string): Promise<void> {
  requireWebAddress(url);
  try {
    await postJson(url, { test: true, message: 'Alarms of Collie Workbench will arrive here.' });
  } catch (thrown) {
    throw new CollieError(
      'request.invalid',
      `${url} did not take the test: ${why(thrown)}.`,
      'Alarms would not arrive there.',
      {
        url,
      },
    );
  }
}

/** fetch() says only that it failed; the cause says how. */
export function why(thrown: unknown): string {
  const { message, cause, name } = thrown as Error & { cause?: { message?: string; code?: string } };
  if (name === 'TimeoutError') return `no answer in ${TIMEOUT_MS / 1000} seconds`;
  return cause?.message || cause?.code || message;
}
