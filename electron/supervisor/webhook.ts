/** Tells the one address that the user has named. Nothing is sent without it, and nothing that happens there matters to the run. */
import type { Log } from './log.ts';

const TIMEOUT_MS = 5_000;
/** Under way at once: an address that hangs must not gather messages. */
const MOST = 4;

export class Webhook {
  readonly #url: string | null;
  readonly #log: Log;
  #failed = false;
  #sending = 0;

  constructor(url: string | null, log: Log) {
    this.#url = url;
    this.#log = log;
  }

  send(message: object): void {
    if (this.#url === null || this.#sending >= MOST) return;
    this.#sending += 1;
    void this.#post(this.#url, message)
      .catch((thrown) => this.#fail((thrown as Error).message))
      .finally(() => {
        this.#sending -= 1;
      });
  }

  async #post(url: string, message: object): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      // Only the address that was named.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) this.#fail(`it answered ${response.status}`);
  }

  /** Said once: it is no trouble of the run. */
  #fail(why: string): void {
    if (!this.#failed) this.#log(`the webhook could not be told: ${why}`);
    this.#failed = true;
  }
}
