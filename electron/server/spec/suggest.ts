/** "Did you mean ...?": the nearest of some names. */

/** Edits (insert, delete, replace, swap neighbours) from one word to another. */
export function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, k) => k);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1];
      let best = Math.min(
        (row[j - 1] as number) + (same ? 0 : 1),
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
      );
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        best = Math.min(best, (before[j - 2] as number) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[to.length] as number;
}

/** No name is as long; comparing takes the product of both lengths. */
const MOST_LENGTH = 100;

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The name that `word` most likely means, or null when none is near. Case, `_` and `-` do not count. */
export function nearest(word: string, names: readonly string[]): string | null {
  if (word.length > MOST_LENGTH) return null;
  let best: string | null = null;
  let distance = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const found = editDistance(plain(word), plain(name));
    if (found < distance) {
      best = name;
      distance = found;
    }
  }
  return distance <= Math.max(1, Math.floor(plain(word).length / 3)) ? best : null;
}
