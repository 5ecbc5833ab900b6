/** Methods that train low-rank matrices beside frozen weights. Part of the RunSpec. */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';
import { alpha, dropout, factors, initAdapter, rank } from './method-fields.ts';

const lrRatio = z
  .number()
  .min(1)
  .max(256)
  .default(1)
  .meta(
    meta({
      title: 'LoRA+ learning-rate ratio',
      help: 'Learning rate of B over that of A. 1 is plain LoRA; the paper takes 16 with a lower learning rate.',
      paper: { title: 'LoRA+ (2024)', url: 'https://arxiv.org/abs/2402.12354' },
      scale: 'log',
      advanced: true,
    }),
  );

const lora = z
  .strictObject({
    type: z.literal('lora'),
    rank: rank(16),
    alpha: alpha(
      32,
      'The update is scaled by alpha / rank, or by alpha / sqrt(rank) with rank-stabilized scaling.',
    ),
    dropout,
    scaling: z
      .enum(['standard', 'rank_stabilized'])
      .default('standard')
      .meta(
        meta({
          title: 'Scaling',
          help: 'Standard: alpha / rank. Rank-stabilized (rsLoRA): alpha / sqrt(rank), so that high ranks learn as well as low ones.',
          paper: { title: 'rsLoRA (2023)', url: 'https://arxiv.org/abs/2312.03732' },
          advanced: true,
        }),
      ),
    lr_ratio: lrRatio,
    ...factors,
    init_adapter: initAdapter,
  })
  .meta(
    meta({
      title: 'LoRA',
      help: 'Trains low-rank matrices A and B beside frozen weights.',
      paper: { title: 'LoRA (2021)', url: 'https://arxiv.org/abs/2106.09685' },
      family: 'Low-rank',
      short: 'LoRA r{rank}',
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'LORA',
        plainLora: true,
        trains: 'LoRA adapters of rank {rank}',
        cost: 'About 1% of the parameters at rank 16, a few MB on disk; a step costs little more than the forward and backward pass.',
        choose: 'The first choice for almost everything.',
        usualRate: { low: 1e-6, start: 0.0002, high: 0.005 },
      },
    }),
  );

const dora = z
  .strictObject({
    type: z.literal('dora'),
    rank: rank(16),
    alpha: alpha(32),
    lr_ratio: lrRatio,
    ...factors,
    init_adapter: initAdapter,
  })
  .meta(
    meta({
      title: 'DoRA',
      help: 'Splits each weight into magnitude and direction: LoRA updates the direction, the magnitude is trained itself. Often better at low ranks, and slower.',
      paper: { title: 'DoRA (2024)', url: 'https://arxiv.org/abs/2402.09353' },
      family: 'Low-rank',
      short: 'DoRA r{rank}',
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'LORA',
        useDora: true,
        trains: 'DoRA adapters of rank {rank}',
        cost: 'As LoRA, and one magnitude per output channel; steps are slower, because the norm of every updated row is computed anew.',
        choose: 'When LoRA at a low rank falls short of full fine-tuning.',
        usualRate: { low: 1e-6, start: 0.0001, high: 0.005 },
      },
    }),
  );

const pissa = z
  .strictObject({
    type: z.literal('pissa'),
    rank: rank(16),
    alpha: alpha(16),
    dropout,
    ...factors,
  })
  .meta(
    meta({
      title: 'PiSSA',
      help: 'LoRA that starts from the principal singular vectors of each weight instead of zero: learns faster. Exported as LoRA of twice the rank.',
      paper: { title: 'PiSSA (2024)', url: 'https://arxiv.org/abs/2404.02948' },
      family: 'Low-rank',
      short: 'PiSSA r{rank}',
      excludes: [
        {
          feature: 'quantization',
          because:
            'it changes the base weights before it trains beside them, and weights in 4 bits cannot be changed',
          instead: 'choose lora, which trains beside 4-bit weights (QLoRA)',
        },
      ],
      traits: {
        base: 'rewritten',
        adapter: 'peft',
        peftType: 'LORA',
        plainLora: true,
        adapterFactor: 2,
        cardNotes: {
          adapter:
            'PiSSA changes the base weights before it trains. This adapter is the difference to the unchanged base, written as LoRA of twice the rank that was trained, which was {rank}.',
        },
        trains: 'PiSSA adapters of rank {rank}',
        cost: 'As LoRA; a singular value decomposition of every target at the start, and an export of twice the rank.',
        choose: 'When few steps have to suffice.',
        usualRate: { low: 1e-6, start: 0.0001, high: 0.001 },
      },
    }),
  );

const smoothing = (title: string, help: string) =>
  z
    .number()
    .min(0)
    .max(0.9999)
    .default(0.85)
    .meta(meta({ title, help, advanced: true, step: 0.01 }));

const share = (value: number, title: string, help: string) =>
  z
    .number()
    .min(0)
    .max(0.9)
    .default(value)
    .meta(meta({ title, help, step: 0.05 }));

const adalora = z
  .strictObject({
    type: z.literal('adalora'),
    init_rank: int(1, 512)
      .default(12)
      .meta(
        meta({ title: 'First rank', help: 'Rank of every adapter at the start (`init_r`).', scale: 'log' }),
      ),
    target_rank: int(1, 512)
      .default(8)
      .meta(
        meta({
          title: 'Target rank',
          help: 'Mean rank at the end: the ranks of all adapters together shrink to it, and go where they matter most.',
          scale: 'log',
        }),
      ),
    alpha: alpha(32),
    dropout,
    start_ratio: share(0.1, 'Prune from', 'Share of all steps before the first ranks are pruned.'),
    end_ratio: share(0.4, 'Tune at the end', 'Share of all steps at the end with fixed ranks.'),
    interval: int(1, 10_000)
      .default(10)
      .meta(
        meta({
          title: 'Prune every',
          help: 'Optimizer steps between two allocations of ranks.',
          unit: 'steps',
        }),
      ),
    beta1: smoothing('Sensitivity EMA', 'EMA coefficient of the importance of a rank.'),
    beta2: smoothing('Uncertainty EMA', 'EMA coefficient of the uncertainty of that importance.'),
    orthogonality: z
      .number()
      .min(0)
      .max(10)
      .default(0.5)
      .meta(
        meta({
          title: 'Orthogonality',
          help: 'Weight of the penalty that keeps the singular vectors orthogonal.',
          advanced: true,
          step: 0.1,
        }),
      ),
    ...factors,
  })
  .meta(
    meta({
      title: 'AdaLoRA',
      help: 'LoRA as a singular value decomposition whose ranks are pruned while training, where they matter least.',
      paper: { title: 'AdaLoRA (2023)', url: 'https://arxiv.org/abs/2303.10512' },
      family: 'Low-rank',
      short: 'AdaLoRA r{target_rank}',
      excludes: [
        {
          feature: 'tensor_parallel',
          because: 'it scores and prunes whole pairs of factors, whose parts would lie on several ranks',
          instead: 'use lora, dora or pissa',
        },
        {
          feature: 'pipeline_parallel',
          because: 'it allocates ranks among the adapters of all layers, which would lie on several stages',
          instead: 'use lora, dora or pissa',
        },
        {
          feature: 'zero',
          because:
            'its allocation of ranks needs the importance of all adapters, which would lie with several owners',
          instead: 'use lora, dora or pissa',
        },
        {
          feature: 'fused_update',
          because: 'it allocates ranks by the gradients of the whole step',
          instead: 'use lora',
        },
      ],
      rules: [
        {
          id: 'adalora_ranks',
          path: 'method.target_rank',
          code: 'not_together',
          when: [{ value: 'method.target_rank', above: 'method.init_rank' }],
          message:
            'The target rank is {method.target_rank} and the first rank {method.init_rank}; ranks are pruned, they never grow.',
          fix: 'Use {method.init_rank} or less, or raise method.init_rank.',
          refused: 'AdaLoRA with `method.target_rank` above `method.init_rank`',
          reason: 'Ranks are pruned, they never grow.',
        },
        {
          id: 'adalora_steps',
          path: 'method.start_ratio',
          code: 'not_together',
          when: [{ value: 'method.start_ratio + method.end_ratio', from: 1 }],
          message:
            'No step is left to prune ranks in: pruning starts after {method.start_ratio} of all steps and ends {method.end_ratio} of them before the last.',
          fix: 'Lower method.start_ratio or method.end_ratio until they add up to less than 1; 0.1 and 0.4 are usual.',
          refused: 'AdaLoRA with `method.start_ratio` and `method.end_ratio` that add up to 1 or more',
          reason: 'No step would be left to prune ranks in.',
        },
      ],
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'ADALORA',
        trains: 'AdaLoRA adapters that shrink from rank {init_rank} to {target_rank} on average',
        cost: 'As LoRA of the first rank, and the importance of every rank: two more numbers a parameter.',
        choose: 'When the adapter has to be small, and it is not known which layers need it.',
        usualRate: { low: 1e-6, start: 0.001, high: 0.01 },
      },
    }),
  );

export const lowRankMethods = [lora, dora, pissa, adalora] as const;
