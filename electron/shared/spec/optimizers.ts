/**
 * Optimizers: the update rules and their hyperparameters. Part of the RunSpec. Fields, ranges and choices are those of
 * native/core/recipe/optimizer_rules.cpp; a test holds the two together.
 */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';
import {
  arxiv,
  beta,
  beta1,
  beta2,
  choice,
  count,
  eps,
  FUSED,
  factored,
  flag,
  learningRate,
  momentum,
  optimizer,
  small,
  weightDecay,
} from './optimizer-fields.ts';

const adamw = optimizer(
  'adamw',
  {
    learning_rate: learningRate(1, 'LoRA likes 1e-4 to 5e-4, full fine-tuning 1e-5 to 5e-5.'),
    beta1: beta1(),
    beta2: beta2(),
    eps: eps(),
    weight_decay: weightDecay(),
  },
  {
    title: 'AdamW',
    family: 'Adaptive',
    help: 'Adam with decoupled weight decay. 8 bytes of state per parameter.',
    paper: arxiv('Decoupled weight decay (2017)', '1711.05101'),
  },
);

const adamw8bit = optimizer(
  'adamw8bit',
  {
    learning_rate: learningRate(1, 'As for AdamW: LoRA 1e-4 to 5e-4, full fine-tuning 1e-5 to 5e-5.'),
    beta1: beta1(),
    beta2: beta2(),
    eps: eps(),
    weight_decay: weightDecay(),
  },
  {
    title: 'AdamW, 8-bit',
    family: 'Low memory',
    excludes: [
      {
        feature: 'tensor_parallel',
        because: 'its states are quantized in blocks that shares of a matrix would cut',
        instead: 'use adamw or adafactor',
      },
    ],
    help: 'AdamW with block-wise quantized states: 8 bits each, one scale per block of 256. 2 bytes of state per parameter.',
    paper: arxiv('8-bit optimizers (2021)', '2110.02861'),
  },
);

const lion = optimizer(
  'lion',
  {
    learning_rate: learningRate(0.15, "A third to a tenth of AdamW's, with as much more weight decay."),
    beta1: beta1(),
    beta2: beta2(0.99, 'EMA coefficient of the momentum that is kept.'),
    weight_decay: weightDecay(),
  },
  {
    title: 'Lion',
    family: 'Sign and momentum',
    help: 'The sign of the momentum: every parameter moves by the learning rate. 4 bytes of state per parameter.',
    paper: arxiv('Symbolic discovery of optimization algorithms (2023)', '2302.06675'),
  },
);

const adan = optimizer(
  'adan',
  {
    learning_rate: learningRate(
      2.5,
      "Adan bears rates above AdamW's; its authors take 5 to 10 times as much.",
    ),
    beta1: beta1(0.98),
    beta2: beta2(0.92, 'EMA coefficient of the differences between gradients.'),
    beta3: beta('Beta 3', 0.99, 0.99999, 'EMA coefficient of the second moment.'),
    eps: eps(),
    weight_decay: weightDecay(),
    no_prox: flag(
      'Decay before the step',
      false,
      "Decays as AdamW does, instead of Adan's proximal decay after the step.",
    ),
  },
  {
    title: 'Adan',
    family: 'Adaptive',
    help: 'Nesterov momentum from differences of gradients. 16 bytes of state per parameter.',
    paper: arxiv('Adan (2022)', '2208.06677'),
  },
);

const sophia = optimizer(
  'sophia',
  {
    learning_rate: learningRate(0.5, "Slightly below AdamW's, or 3 to 5 times Lion's."),
    beta1: beta1(0.965),
    beta2: beta2(0.99, 'EMA coefficient of the Hessian estimate.'),
    rho: small(
      'Rho',
      0.04,
      'Updates are clamped per parameter where the momentum is above rho times the Hessian estimate.',
      10,
    ),
    hessian_interval: count(
      'Curvature every',
      [1, 1000],
      10,
      'Update interval of the Hessian estimate in steps. Each estimate is one more forward and backward pass, on sampled labels.',
      'steps',
    ),
    weight_decay: weightDecay(),
  },
  {
    title: 'Sophia-G',
    family: 'Curvature and matrices',
    help: 'Momentum over an estimate of the diagonal Hessian, clamped per parameter. 8 bytes of state per parameter; a tenth more time at an interval of 10.',
    paper: arxiv('Sophia (2023)', '2305.14342'),
  },
);

const sgd = optimizer(
  'sgd',
  {
    learning_rate: learningRate(100, "A hundred times AdamW's and more: steps are as small as gradients."),
    momentum: momentum(0.9),
    nesterov: flag('Nesterov', false, 'Looks one step ahead along the momentum.'),
    weight_decay: weightDecay('as part of the gradient'),
  },
  {
    title: 'SGD',
    family: 'Sign and momentum',
    help: 'Stochastic gradient descent with momentum. 4 bytes of state per parameter, none without momentum.',
    paper: { title: 'Momentum (2013)', url: 'https://proceedings.mlr.press/v28/sutskever13.html' },
  },
);

const lomo = optimizer(
  'lomo',
  {
    learning_rate: learningRate(500, 'As for SGD: 1e-2 to 5e-2.'),
    clip_value: z
      .number()
      .min(0)
      .max(1e6)
      .default(0)
      .meta(
        meta({
          title: 'Value clipping',
          help: 'Each gradient is clamped to plus and minus this. 0: not at all.',
          step: 0.1,
        }),
      ),
    weight_decay: weightDecay(),
  },
  {
    title: 'LOMO',
    family: 'Fused with the backward pass',
    updates: 'inside_backward',
    excludes: [
      {
        feature: 'accumulation',
        because: 'it updates each weight as soon as its gradient is there and keeps none',
      },
    ],
    help: `SGD with neither optimizer state nor stored gradients: the least memory for training all parameters. ${FUSED}`,
    paper: arxiv('LOMO (2023)', '2306.09782'),
  },
);

const adalomo = optimizer(
  'adalomo',
  {
    learning_rate: learningRate(25, 'Relative to the RMS of each matrix; the paper tunes with 5e-4 to 1e-3.'),
    ...factored,
    eps1: small('Epsilon', 1e-30, 'Added to the squared gradients.'),
    weight_decay: weightDecay(),
  },
  {
    title: 'AdaLomo',
    family: 'Fused with the backward pass',
    updates: 'inside_backward',
    excludes: [
      {
        feature: 'accumulation',
        because: 'it updates each weight as soon as its gradient is there and keeps none',
      },
    ],
    help: `LOMO with an adaptive learning rate per parameter, from a factored second moment. ${FUSED}`,
    paper: arxiv('AdaLomo (2023)', '2310.10195'),
  },
);

const adafactor = optimizer(
  'adafactor',
  {
    learning_rate: learningRate(25, 'Relative to the RMS of each matrix.'),
    ...factored,
    eps1: z
      .number()
      .min(1e-15)
      .max(1)
      .default(1e-7)
      .meta(
        meta({
          title: 'Epsilon',
          help: 'Lower bound of the root of the second moment.',
          advanced: true,
          scale: 'log',
        }),
      ),
    weight_decay: weightDecay(),
  },
  {
    title: 'Adafactor',
    family: 'Low memory',
    help: 'Factored second moment: one mean per row and per column of a matrix. Hardly any state.',
    paper: arxiv('Adafactor (2018)', '1804.04235'),
  },
);

const muon = optimizer(
  'muon',
  {
    learning_rate: learningRate(
      1,
      "Of matrices. AdamW's rates fit with the scale match_rms_adamw; the original wants 1e-3 to 2e-2.",
    ),
    momentum: momentum(0.95),
    nesterov: flag('Nesterov', true, 'Looks one step ahead along the momentum.'),
    ns_steps: count('Newton-Schulz steps', [1, 20], 5, 'Iterations that orthogonalize the momentum.'),
    scale: z
      .enum(['original', 'match_rms_adamw'])
      .default('match_rms_adamw')
      .meta(
        meta({
          title: 'Step scale',
          help: 'How an update is scaled with the shape of its matrix.',
          advanced: true,
        }),
      ),
    weight_decay: weightDecay(),
    adamw_learning_rate: learningRate(1, 'Of embeddings, head and norms.', 'AdamW learning rate'),
    adamw_beta1: beta('AdamW beta 1', 0.9, 0.9999, 'EMA coefficient of the gradient (first moment).'),
    adamw_beta2: beta(
      'AdamW beta 2',
      0.95,
      0.99999,
      'EMA coefficient of the squared gradient (second moment).',
    ),
    adamw_eps: eps('AdamW epsilon'),
  },
  {
    title: 'Muon',
    family: 'Curvature and matrices',
    excludes: [
      {
        feature: 'tensor_parallel',
        because: 'it orthogonalizes whole matrices, whose parts would lie on several ranks',
        instead: 'use adamw or adafactor',
      },
    ],
    help: 'Orthogonalized momentum for matrices, AdamW for the rest. 4 bytes of state per parameter of a matrix.',
    paper: arxiv('Muon is scalable (2025)', '2502.16982'),
  },
);

const apollo = optimizer(
  'apollo',
  {
    learning_rate: learningRate(2, "As AdamW's in full fine-tuning, or somewhat above."),
    rank: int(1, 4096)
      .default(64)
      .meta(
        meta({
          title: 'Rank',
          help: 'Rank of the random projection. Matrices with a smaller side, as most of LoRA, are updated by AdamW.',
          scale: 'log',
        }),
      ),
    update_interval: count(
      'New projection every',
      [1, 100_000],
      200,
      'Steps between two random projections.',
      'steps',
    ),
    scale: small(
      'Scale',
      1,
      'Updates are multiplied by its square root. The paper takes 1, and 128 at rank 1.',
      1024,
    ),
    scale_type: choice(
      'Scaling factor for',
      ['channel', 'tensor'],
      'channel',
      'One for every channel, or one for the whole matrix (APOLLO-Mini).',
    ),
    beta1: beta1(),
    beta2: beta2(),
    eps: eps(),
    weight_decay: weightDecay(),
  },
  {
    title: 'APOLLO',
    family: 'Low memory',
    excludes: [
      {
        feature: 'tensor_parallel',
        because: 'it projects whole matrices, whose parts would lie on several ranks',
        instead: 'use adamw or adafactor',
      },
    ],
    help: "AdamW's scaling of the gradient, estimated in a low-rank random projection. The state has the size of the projection, not of the matrix.",
    paper: arxiv('APOLLO (2024)', '2412.05270'),
  },
);

export const optimizerSchema = z.discriminatedUnion('type', [
  adamw,
  adan,
  lion,
  sgd,
  sophia,
  muon,
  adamw8bit,
  adafactor,
  apollo,
  lomo,
  adalomo,
]);

/** As written: learning rates may be null. A RunSpec has numbers. */
export type OptimizerSettings = z.infer<typeof optimizerSchema>;
