/** Small text files as editors and shells of any system write them. */

const SAMPLE = 4096;

/** The UTF-16 of bytes that begin with its mark, or that have a zero in every second byte, as plain English in UTF-16 does. null: it is none. */
export function utf16(head: Buffer): 'utf-16le' | 'utf-16be' | null {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head.length < 8) return null;
  const half = Math.floor(Math.min(head.length, SAMPLE) / 2);
  const zeros = (from: 0 | 1) => {
    let count = 0;
    for (let at = from; at < 2 * half; at += 2) count += Number(head[at] === 0);
    return count;
  };
  if (zeros(1) > 0.7 * half && zeros(0) < 0.1 * half) return 'utf-16le';
  return zeros(0) > 0.7 * half && zeros(1) < 0.1 * half ? 'utf-16be' : null;
}

/** UTF-8 or UTF-16, without its mark. */
export const decodeText = (bytes: Buffer): string => new TextDecoder(utf16(bytes) ?? 'utf-8').decode(bytes);
