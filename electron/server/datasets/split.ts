/** Which rows are trained on and which are held out: a pure function of their number and a seed. */

/**
 * Of every run, whatever its own seed is: runs of other seeds are held against each other on the rows that both were judged on, and none
 * of which either was trained on. It is the default seed of a run, so that the same rows are held out as when a run's own decided.
 */
export const SPLIT_SEED = 42;

/** Well-mixed 32 bits of a seed and a row's position (the finalizer of MurmurHash3, applied twice). */
function rowHash(seed: number, index: number): number {
  const mix = (value: number) => {
    let h = value;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  };
  return mix(mix(seed) ^ Math.imul(index + 1, 0x9e3779b1));
}

/** A distinct key per row in an order given by the hash of seed and position, [n]. */
const rowKeys = (n: number, seed: number) =>
  // 53 bits are exact in a double: the hash above, the position below, so that rows of one hash keep an order.
  Float64Array.from({ length: n }, (_, row) => rowHash(seed, row) * 2 ** 21 + (row % 2 ** 21));

/** What becomes of each row of the training data. */
export interface Split {
  /** 1: held out, [rows]. */
  heldOut: Uint8Array;
  /** 1: evaluated: at most `maxEvalRows` of the held out ones, [rows]. */
  evaluated: Uint8Array;
}

/**
 * Holds out `fraction` of n rows: exactly round(fraction * n), at least one when the fraction is above 0 and there are
 * two rows. The rows held out at a smaller fraction or a smaller maximum are among those of a larger one.
 */
export function splitRows(n: number, fraction: number, seed: number, maxEvalRows: number): Split {
  const wanted = Math.round(n * fraction);
  const held = n < 2 || fraction === 0 ? 0 : Math.min(Math.max(wanted, 1), n - 1);
  return chooseRows(n, held, seed, maxEvalRows);
}

/** For evaluation data of its own: every row is held out, at most `maxEvalRows` of them are evaluated. */
export const splitEvaluation = (n: number, seed: number, maxEvalRows: number): Split =>
  chooseRows(n, n, seed, maxEvalRows);

function chooseRows(n: number, held: number, seed: number, maxEvalRows: number): Split {
  const heldOut = new Uint8Array(n);
  const evaluated = new Uint8Array(n);
  if (held === n && n <= maxEvalRows) return { heldOut: heldOut.fill(1), evaluated: evaluated.fill(1) };
  const keys = rowKeys(n, seed);
  const sorted = keys.toSorted();
  const mark = (rows: Uint8Array, count: number) => {
    const limit = sorted[count - 1] ?? Number.NEGATIVE_INFINITY;
    for (let row = 0; row < n; row += 1) if ((keys[row] as number) <= limit) rows[row] = 1;
  };
  mark(heldOut, held);
  mark(evaluated, Math.min(held, maxEvalRows));
  return { heldOut, evaluated };
}
