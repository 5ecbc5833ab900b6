/** Tells the one address that the user has named. Nothing is sent without it, and nothing that happens there matters to the run. */
import { postJson, why } from '../server/settings/post.ts';
import type { Log } from './log.ts';

/** Under way at once: an address that hangs must not gather messages. */
const MOST = 4;

export class Webhook {
  readonly #address: () => string | null;
  readonly #log: Log;
  #failed = false;
  #sending = 0;

  /** `address`: as it is set when something is to be told. */
  constructor(address: () => string | null, log: Log) {
    this.#address = address;
    this.#log = log;
  }

  send(message: object): void {
    const url = this.#address();
    if (url === null || this.#sending >= MOST) return;
    this.#sending += 1;
    void postJson(url, message)
      .catch((thrown) => this.#fail(why(thrown)))
      .finally(() => {
        this.#sending -= 1;
      });
  }

  /** Said once: it is no trouble of the run. */
  #fail(reason: string): void {
    if (!this.#failed) this.#log(`the webhook could not be told: ${reason}`);
    this.#failed = true;
  }
}
