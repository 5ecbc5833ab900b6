/** Callbacks before a run is made: what a spec names, whether it is sound, and whether the user has approved it. */
import { toErrorInfo } from '../../shared/errors.ts';
import { absolutePath } from '../datasets/file-cache.ts';
import { probeCallback } from './probe.ts';
import { type CallbackSource, readCallback, toJavaScript } from './source.ts';
import { notTrusted, TrustedCallbacks } from './trust.ts';

/** What is known of one without running it, or by loading it once where it is approved. */
export type CheckedCallback = CallbackSource & { trusted: boolean };

/** Reads it as far as that goes without running any of it. Throws as `check`. */
export async function readUnapproved(path: string, base = process.cwd()): Promise<CheckedCallback> {
  const source = readCallback(absolutePath(path, base));
  toJavaScript(source);
  return { ...source, trusted: false };
}

export class CallbackService {
  readonly trusted: TrustedCallbacks;
  /** Those that were loaded without fault, by hash: forms ask at every change. */
  readonly #sound = new Set<string>();

  constructor(home: string) {
    this.trusted = new TrustedCallbacks(home);
  }

  /** Throws what is wrong with it: file.not_found, file.unreadable, callback.invalid. What is not approved is read, never run. */
  async check(path: string, base = process.cwd()): Promise<CheckedCallback> {
    const source = readCallback(absolutePath(path, base));
    const trusted = this.trusted.has(source);
    if (!trusted) return readUnapproved(source.path);
    if (!this.#sound.has(source.sha256)) await probeCallback(source);
    this.#sound.add(source.sha256);
    return { ...source, trusted };
  }

  /** For lists: with what is wrong instead of throwing it. */
  async inspect(path: string) {
    try {
      const { text, sha256, trusted } = await this.check(path);
      return { path, sha256, text, trusted, problem: null };
    } catch (thrown) {
      return { path, sha256: '', text: '', trusted: false, problem: toErrorInfo(thrown) };
    }
  }

  /** Approves files as they were shown. Throws callback.not_trusted for one that has changed since. */
  approve(shown: readonly { path: string; sha256: string }[]): void {
    const changed = shown.filter(({ path, sha256 }) => readCallback(path).sha256 !== sha256);
    if (changed.length > 0) throw notTrusted(changed);
    for (const one of shown) this.trusted.add(one);
  }

  /** Before a run with these is made. Throws callback.not_trusted with all that are not approved, and what is wrong with the others. */
  async require(paths: readonly string[]): Promise<void> {
    const checked = [];
    for (const path of new Set(paths)) checked.push(await this.check(path));
    const foreign = checked.filter(({ trusted }) => !trusted);
    if (foreign.length > 0) throw notTrusted(foreign.map(({ path, sha256 }) => ({ path, sha256 })));
  }
}
