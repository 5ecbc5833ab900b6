/** Git LFS pointers: the few lines that a clone leaves in the place of a file that was never fetched. */

const HEAD = 'version https://git-lfs.github.com/spec/';
/** A pointer has some 130 bytes; the format allows no more than this. */
export const LFS_MOST_BYTES = 1024;

/** What to say of a file that begins so, and what to do; null: it is none. */
export function gitLfsPointer(head: Buffer): { what: string; hint: string } | null {
  if (!head.subarray(0, HEAD.length).equals(Buffer.from(HEAD))) return null;
  return {
    what: 'is a Git LFS pointer, not the data: the file itself was never fetched.',
    hint: 'Run "git lfs pull" in its folder, or download the file from its page.',
  };
}
