/** logs/callback-<name>.log: what a callback prints and what is said of it. Ends at a size: a callback that prints for ever must not fill the disk of the run. */
import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { callbackLog } from '../../shared/runs/callbacks.ts';

const MOST_BYTES = 4 * 1024 * 1024;
const FULL = '\n[this log is full: what the callback prints from here on is left out]\n';

export class CallbackOutput {
  readonly #path: string;
  #left: number;

  constructor(runDir: string, name: string, most = MOST_BYTES) {
    this.#path = join(runDir, callbackLog(name));
    mkdirSync(dirname(this.#path), { recursive: true });
    this.#left = most - (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0);
  }

  print(bytes: Buffer): void {
    if (this.#left <= 0) return;
    this.#append(bytes.subarray(0, this.#left));
    this.#left -= bytes.length;
    if (this.#left <= 0) this.#append(FULL);
  }

  /** Also when it is full: said seldom. */
  note(sentence: string): void {
    this.#append(`${new Date().toISOString()} collie: ${sentence}\n`);
  }

  #append(text: string | Buffer): void {
    try {
      appendFileSync(this.#path, text);
    } catch {
      // A full disk: the run has said so.
    }
  }
}
