/** What to try after a failure: a change of the settings that answers its cause. Pure. */
import type { ErrorCode } from '../../../../electron/shared/errors.ts';
import { recommendedRate } from '../../../../electron/shared/spec/learning-rates.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { formatNumber } from '../../components/format.ts';
import { type Draft, withValue } from '../../store/draft.ts';

export interface SuggestedChange {
  /** What it does: "learning rate 7e-4 instead of 2e-3". */
  readonly label: string;
  readonly values: readonly (readonly [path: string, value: unknown])[];
}

/** A rate that a loss has diverged at is divided by this. */
const CALMER = 3;

function calmer(spec: RunSpec): SuggestedChange {
  const rate = spec.optimizer.learning_rate ?? recommendedRate(spec.method.type, spec.optimizer.type);
  const next = Number((rate / CALMER).toPrecision(1));
  const clip: [string, unknown][] = spec.max_grad_norm === 0 ? [['max_grad_norm', 1]] : [];
  return {
    label: `learning rate ${formatNumber(next)} instead of ${formatNumber(rate)}${clip.length > 0 ? ', and gradient clipping' : ''}`,
    values: [['optimizer.learning_rate', next], ...clip],
  };
}

/** The same global batch in smaller pieces; then activations computed again; then a shorter sequence. */
function smaller({ batch, activation_checkpointing }: RunSpec): SuggestedChange {
  const { micro_batch_size: micro, grad_accum_steps: steps, seq_len } = batch;
  if (micro > 1) {
    const half = Math.floor(micro / 2);
    const more = Math.ceil((micro * steps) / half);
    return {
      label: `${half} instead of ${micro} sequences at once, accumulated ${more} times`,
      values: [
        ['batch.micro_batch_size', half],
        ['batch.grad_accum_steps', more],
      ],
    };
  }
  if (activation_checkpointing !== 'auto' && activation_checkpointing !== 'full')
    return { label: 'activation checkpointing as needed', values: [['activation_checkpointing', 'auto']] };
  const shorter = Math.max(8, Math.floor(seq_len / 2));
  return {
    label: `sequences of ${shorter} instead of ${seq_len} tokens`,
    values: [['batch.seq_len', shorter]],
  };
}

/** null: no setting answers this failure. */
export function suggestedChange(code: string, spec: RunSpec): SuggestedChange | null {
  switch (code as ErrorCode) {
    case 'train.non_finite':
      return calmer(spec);
    case 'memory.insufficient':
      return smaller(spec);
    case 'device.unavailable':
      return spec.device === 'cuda' ? { label: 'the CPU', values: [['device', 'cpu']] } : null;
    default:
      return null;
  }
}

export const withChange = (draft: Draft, { values }: SuggestedChange): Draft =>
  values.reduce((changed, [path, value]) => withValue(changed, path, value), draft);
