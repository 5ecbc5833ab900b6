/**
 * Merges of a sentencepiece BPE vocabulary. Such a vocabulary stores no merges: it joins the two neighbours whose union has the
 * highest score. So every way to cut a token into two others is a merge, ranked by the score of the whole.
 */

export interface Piece {
  text: string;
  score: number;
}

/** "left right" in order of rank. `pieces`: the tokens that take part, no control, byte or unknown ones. Index order is the id order. */
export function sentencepieceMerges(pieces: readonly Piece[]): string[] {
  const ids = new Map(pieces.map((piece, index) => [piece.text, index]));
  const merges: { left: string; right: string; score: number; order: number }[] = [];
  for (const [order, { text, score }] of pieces.entries()) {
    for (const cut of characterBoundaries(text)) {
      const left = text.slice(0, cut);
      const right = text.slice(cut);
      if (ids.has(left) && ids.has(right)) merges.push({ left, right, score, order });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.order - b.order || a.left.length - b.left.length);
  return merges.map(({ left, right }) => `${left} ${right}`);
}

/** Places inside the text between two whole characters (a surrogate pair is one). */
function* characterBoundaries(text: string): Generator<number> {
  let at = 0;
  for (const character of text) {
    at += character.length;
    if (at < text.length) yield at;
  }
}
