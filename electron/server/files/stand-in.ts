/** What stands in the place of a file that was never fetched: the few lines of Git LFS, or a web page about it. */

const POINTER = 'version https://git-lfs.github.com/spec/';
const PAGE = /^(\xEF\xBB\xBF)?\s*<(!doctype html|html[\s>])/i;
/** A stand-in says in so many bytes what it is. */
export const STAND_IN_BYTES = 512;

export interface StandIn {
  kind: 'pointer' | 'page';
  what: string;
  hint: string;
}

/** What to say of a file that begins so, and what to do; null: it is the file itself. */
export function standIn(head: Buffer): StandIn | null {
  const text = head.toString('latin1', 0, STAND_IN_BYTES);
  if (text.startsWith(POINTER))
    return {
      kind: 'pointer',
      what: 'is a Git LFS pointer, not the data: the file itself was never fetched.',
      hint: 'Run "git lfs pull" in its folder, or download the file from its page.',
    };
  if (PAGE.test(text))
    return {
      kind: 'page',
      what: 'is a web page (HTML), not the data: what is left of a download that went to a page about the file, or had to sign in.',
      hint: 'Open it in a browser to see what it says, and download the file itself.',
    };
  return null;
}
