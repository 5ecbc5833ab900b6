/** Hashes of data files. Beside the readers of them, so that what only compares files, as the queue does, loads none of those. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Hashes of files, remembered until a file changes: a form asks for the same one at every keystroke. */
export class FileHashes {
  readonly #known = new Map<string, { stamp: string; hash: Promise<string> }>();

  async of(path: string): Promise<string> {
    const { mtimeMs, size, ino } = await stat(path);
    const stamp = `${mtimeMs}:${size}:${ino}`;
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.hash;
    const hash = fileHash(path);
    this.#known.set(path, { stamp, hash });
    hash.catch(() => this.#known.delete(path));
    return hash;
  }
}
