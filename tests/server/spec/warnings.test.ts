/** What is unusual is told and stops nothing. */
import { describe, expect, it } from 'vitest';
import { data, service, spec, wait } from './fixtures.ts';

describe('warnings do not stop a run', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a learning rate unusual for full',
      { method: { type: 'full' }, optimizer: { type: 'adamw', learning_rate: 0.002 } },
      /0\.002 is unusually high for full fine-tuning/,
    ],
    [
      'a learning rate unusual for LoRA',
      { optimizer: { type: 'adamw', learning_rate: 1e-7 } },
      /unusually low for LoRA/,
    ],
    [
      'nearly all warm-up',
      { schedule: { warmup_ratio: 1 } },
      /rises for 100% of the run and never reaches its peak/,
    ],
    ['a final share that has no effect', { schedule: { type: 'constant', min_lr_ratio: 0.1 } }, /no effect/],
    ['more threads than cores', { threads: 1024 }, /1024 threads share/],
    ['truncated rows', { batch: { seq_len: 90 } }, /are longer than 90 tokens and are truncated/],
  ])('%s', async (_, change, warning) => {
    const { issues, resolved, preview } = await service().specs.validate(spec(change), { wait });
    expect(issues).toEqual([]);
    expect(resolved).not.toBeNull();
    expect(preview?.warnings.join('\n')).toMatch(warning);
  });

  it('evaluating on the training data', async () => {
    const { preview } = await service().specs.validate(spec({ dataset: { eval: data } }), { wait });
    expect(preview?.warnings.join('\n')).toMatch(/evaluation data is the training data/);
  });
});
