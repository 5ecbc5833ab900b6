/** Metrics of choices between labels. Everything comes out of the confusion matrix, whose entries add up over examples, and the calibration error out of sums in bins. */

/** One example: which label is right, which was chosen (places in the list of labels), and the probability the choice had. */
export interface Choice {
  label: number;
  chosen: number;
  probability: number;
}

/** [right label][chosen label]. */
export function confusionMatrix(choices: readonly Choice[], labels: number): number[][] {
  const matrix = Array.from({ length: labels }, () => new Array<number>(labels).fill(0));
  for (const { label, chosen } of choices) {
    const row = matrix[label];
    if (row?.[chosen] === undefined)
      throw new RangeError(`A choice of ${chosen} where ${label} is right does not fit ${labels} labels.`);
    row[chosen] += 1;
  }
  return matrix;
}

export const accuracy = (choices: readonly Choice[]): number =>
  choices.filter(({ label, chosen }) => label === chosen).length / choices.length;

export interface Scores {
  precision: number;
  recall: number;
  fBeta: number;
}

/** Where nothing was to be found, or nothing was chosen, the share is 0, as in scikit-learn's `zero_division=0`. */
const share = (part: number, of: number) => (of === 0 ? 0 : part / of);

function scores(hits: number, chosen: number, right: number, beta: number): Scores {
  const b = beta ** 2;
  return {
    precision: share(hits, chosen),
    recall: share(hits, right),
    fBeta: share((1 + b) * hits, b * right + chosen),
  };
}

/** Of each label. */
export function labelScores(matrix: readonly (readonly number[])[], beta: number): Scores[] {
  return matrix.map((row, k) => {
    const right = row.reduce((sum, count) => sum + count, 0);
    const chosen = matrix.reduce((sum, other) => sum + (other[k] ?? 0), 0);
    return scores(row[k] ?? 0, chosen, right, beta);
  });
}

/** macro: the mean over labels, however rare. micro: over all choices together. */
export function averagedScores(
  matrix: readonly (readonly number[])[],
  average: 'macro' | 'micro',
  beta: number,
): Scores {
  if (average === 'micro') {
    const all = matrix.flat().reduce((sum, count) => sum + count, 0);
    return scores(
      matrix.reduce((sum, row, k) => sum + (row[k] ?? 0), 0),
      all,
      all,
      beta,
    );
  }
  const each = labelScores(matrix, beta);
  const mean = (key: keyof Scores) => each.reduce((sum, one) => sum + one[key], 0) / each.length;
  return { precision: mean('precision'), recall: mean('recall'), fBeta: mean('fBeta') };
}

/**
 * Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599): how far the probability of the choices is from the
 * share of right ones, in bins (lower, upper] of equal width, weighted by their examples.
 */
export function calibrationError(choices: readonly Choice[], bins = 15): number {
  const sums = Array.from({ length: bins }, () => ({ probability: 0, right: 0 }));
  for (const { label, chosen, probability } of choices) {
    const bin = sums[Math.min(Math.max(Math.ceil(probability * bins) - 1, 0), bins - 1)];
    if (bin === undefined) throw new RangeError(`${probability} is no probability.`);
    bin.probability += probability;
    bin.right += Number(label === chosen);
  }
  return sums.reduce((error, bin) => error + Math.abs(bin.right - bin.probability), 0) / choices.length;
}
