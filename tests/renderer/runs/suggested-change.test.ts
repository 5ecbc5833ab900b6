import { describe, expect, it } from 'vitest';
import { mockSpec } from '../../../renderer/src/client/mock/mock-runs.ts';
import { suggestedChange, withChange } from '../../../renderer/src/features/runs/suggested-change.ts';

const spec = {
  ...mockSpec,
  optimizer: { ...mockSpec.optimizer, learning_rate: 3e-3 },
  batch: { ...mockSpec.batch, micro_batch_size: 5, grad_accum_steps: 2 },
} as typeof mockSpec;

describe('after a failure', () => {
  it('a loss that is not finite gets a third of the rate, and clipping where there was none', () => {
    expect(suggestedChange('train.non_finite', spec)).toEqual({
      label: 'learning rate 0.001 instead of 0.003',
      values: [['optimizer.learning_rate', 1e-3]],
    });
    const unclipped = suggestedChange('train.non_finite', { ...spec, max_grad_norm: 0 });
    expect(unclipped?.values).toContainEqual(['max_grad_norm', 1]);
  });

  it('too little memory gets smaller micro-batches of no smaller a batch, then recomputing, then shorter rows', () => {
    const change = suggestedChange('memory.insufficient', spec);
    expect(change?.values).toEqual([
      ['batch.micro_batch_size', 2],
      ['batch.grad_accum_steps', 5],
    ]);
    const one = {
      ...spec,
      batch: { ...spec.batch, micro_batch_size: 1 },
      activation_checkpointing: 'mlp' as const,
    };
    expect(suggestedChange('memory.insufficient', one)?.values).toEqual([
      ['activation_checkpointing', 'auto'],
    ]);
    for (const activation_checkpointing of ['auto', 'full'] as const)
      expect(suggestedChange('memory.insufficient', { ...one, activation_checkpointing })?.values).toEqual([
        ['batch.seq_len', spec.batch.seq_len / 2],
      ]);
  });

  it('others are not answered by a setting', () => {
    expect(suggestedChange('disk.full', spec)).toBeNull();
  });

  it('the change is taken over into the draft, the rest stays', () => {
    const change = suggestedChange('train.non_finite', spec);
    const draft = withChange({ seed: 7, optimizer: { type: 'adamw', learning_rate: 3e-3 } }, change as never);
    expect(draft).toEqual({ seed: 7, optimizer: { type: 'adamw', learning_rate: 1e-3 } });
  });
});
