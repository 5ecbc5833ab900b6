/**
 * Points that fill a cube evenly (Sobol 1967), with the direction numbers of Joe and Kuo (2008, new-joe-kuo-6) and a random digital
 * shift. Checked against scipy.stats.qmc.Sobol.
 */

/** Degree, coefficients and initial numbers of each dimension after the first. */
const DIRECTIONS: readonly [degree: number, coefficients: number, initial: readonly number[]][] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
];
export const SOBOL_DIMENSIONS = DIRECTIONS.length + 1;
const BITS = 32;

/** Direction numbers of a dimension, as 32-bit fractions. */
function directions(dimension: number): Uint32Array {
  const numbers = new Uint32Array(BITS);
  const row = DIRECTIONS[dimension - 1];
  for (let i = 0; i < BITS; i += 1) {
    const [degree, coefficients, initial] = row ?? [0, 0, []];
    if (row === undefined) numbers[i] = 1 << (BITS - 1 - i);
    else if (i < degree) numbers[i] = (initial[i] ?? 0) << (BITS - 1 - i);
    else {
      const base = numbers[i - degree] ?? 0;
      let value = base ^ (base >>> degree);
      for (let k = 1; k < degree; k += 1)
        if ((coefficients >>> (degree - 1 - k)) & 1) value ^= numbers[i - k] ?? 0;
      numbers[i] = value;
    }
  }
  return numbers;
}

/**
 * The first `count` points of a sequence, each of `dimensions` numbers in [0, 1). `shift`: 32 random bits a dimension that every number is
 * XORed with; without it the first point is a corner. Throws RangeError above SOBOL_DIMENSIONS.
 */
export function sobol(count: number, dimensions: number, shift: readonly number[] = []): number[][] {
  if (dimensions > SOBOL_DIMENSIONS)
    throw new RangeError(`${dimensions} dimensions, at most ${SOBOL_DIMENSIONS}`);
  const tables = Array.from({ length: dimensions }, (_, d) => directions(d));
  const now = new Uint32Array(dimensions);
  return Array.from({ length: count }, (_, index) => {
    // Gray code: the next point differs in the direction of the lowest zero bit of the one before.
    const flipped = index === 0 ? -1 : 31 - Math.clz32(~(index - 1) & index);
    return tables.map((table, d) => {
      if (flipped >= 0) now[d] = (now[d] ?? 0) ^ (table[flipped] ?? 0);
      return (((now[d] ?? 0) ^ (shift[d] ?? 0)) >>> 0) / 2 ** BITS;
    });
  });
}
