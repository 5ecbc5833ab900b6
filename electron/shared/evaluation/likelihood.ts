/** Metrics of how likely the model finds the given answers: one division over the sums of all examples, never a mean of means. */

/** Of one example, or the sum over several. */
export interface LikelihoodSums {
  /** nats */
  loss: number;
  targets: number;
  /** Targets that the model would have chosen itself. */
  correct: number;
  /** UTF-8 bytes of the answers; null where an example's are not known, as it was cut off. */
  bytes: number | null;
}

export const addLikelihood = (parts: readonly LikelihoodSums[]): LikelihoodSums =>
  parts.reduce(
    (sum, one) => ({
      loss: sum.loss + one.loss,
      targets: sum.targets + one.targets,
      correct: sum.correct + one.correct,
      bytes: sum.bytes === null || one.bytes === null ? null : sum.bytes + one.bytes,
    }),
    { loss: 0, targets: 0, correct: 0, bytes: 0 },
  );

export const meanLoss = ({ loss, targets }: LikelihoodSums): number => loss / targets;
export const perplexity = (sums: LikelihoodSums): number => Math.exp(meanLoss(sums));
export const tokenAccuracy = ({ correct, targets }: LikelihoodSums): number => correct / targets;
/** NaN where the bytes are not known. */
export const bitsPerByte = ({ loss, bytes }: LikelihoodSums): number =>
  bytes === null || bytes === 0 ? Number.NaN : loss / Math.LN2 / bytes;
