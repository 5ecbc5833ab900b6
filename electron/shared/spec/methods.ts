/** Methods: which weights are trained, and how. Part of the RunSpec. */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';
import { lowRankMethods } from './low-rank-methods.ts';
import {
  initAdapter,
  initText,
  linearModules,
  modulesToSave,
  targetModules,
  virtualTokens,
} from './method-fields.ts';

export { linearModules, savableModules } from './method-fields.ts';

const ia3 = z
  .strictObject({
    type: z.literal('ia3'),
    target_modules: targetModules(['k_proj', 'v_proj', 'down_proj']),
    feedforward_modules: z
      .array(z.string().min(1).max(200))
      .max(64)
      .default(['down_proj'])
      .meta(
        meta({
          title: 'Feed-forward modules',
          help: 'Targets whose input is scaled; the output of all other targets is.',
          suggestions: [...linearModules],
          advanced: true,
        }),
      ),
    modules_to_save: modulesToSave,
    init_adapter: initAdapter,
  })
  .meta(
    meta({
      title: 'IA3',
      help: 'Trains one factor for each key, value and feed-forward channel: a few thousand numbers.',
      paper: { title: 'IA3 (2022)', url: 'https://arxiv.org/abs/2205.05638' },
      family: 'Scaling and biases',
      short: 'IA3',
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'IA3',
        trains: 'IA3 factors',
        cost: 'About 0.01% of the parameters.',
        choose: 'For many small tasks on one model, with little data each.',
        usualRate: { low: 1e-5, start: 0.003, high: 0.05 },
      },
    }),
  );

const prompt = z
  .strictObject({
    type: z.literal('prompt_tuning'),
    virtual_tokens: virtualTokens(20),
    init_text: initText,
    init_adapter: initAdapter,
  })
  .meta(
    meta({
      title: 'Prompt tuning',
      help: 'Trains a few input embeddings before every text; the model itself is frozen.',
      paper: { title: 'Prompt tuning (2021)', url: 'https://arxiv.org/abs/2104.08691' },
      family: 'Prompts',
      short: 'Prompt tuning, {virtual_tokens} tokens',
      excludes: [
        {
          feature: 'pipeline_parallel',
          because: 'its virtual tokens stand before every sequence, and only the first stage knows them',
          instead: 'use lora',
        },
      ],
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'PROMPT_TUNING',
        notMergeable: 'its virtual tokens are input before every text, not weights',
        trains: '{virtual_tokens} virtual tokens before every text',
        cost: 'One embedding for each virtual token; each takes room in the context, and gradients go through the whole model.',
        choose: 'For large models and narrow tasks, when nothing of the model may change.',
        usualRate: { low: 0.001, start: 0.03, high: 0.3 },
      },
    }),
  );

const prefix = z
  .strictObject({
    type: z.literal('prefix_tuning'),
    virtual_tokens: virtualTokens(20),
    init_text: initText,
    init_adapter: initAdapter,
  })
  .meta(
    meta({
      title: 'Prefix tuning',
      help: 'Trains keys and values before every text, in every layer.',
      paper: { title: 'Prefix tuning (2021)', url: 'https://arxiv.org/abs/2101.00190' },
      family: 'Prompts',
      short: 'Prefix tuning, {virtual_tokens} tokens',
      excludes: [
        {
          feature: 'pipeline_parallel',
          because: 'the keys and values of all layers are one tensor, which every stage would need',
          instead: 'use lora',
        },
      ],
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'PREFIX_TUNING',
        notMergeable: 'its keys and values stand before every text, they are no weights',
        trains: 'keys and values of {virtual_tokens} virtual tokens in every layer',
        cost: 'Two vectors a layer for each virtual token; each takes room in the context.',
        choose: 'When prompt tuning is too weak and nothing of the model may change.',
        usualRate: { low: 0.0001, start: 0.01, high: 0.3 },
      },
    }),
  );

const ptuning = z
  .strictObject({
    type: z.literal('p_tuning'),
    virtual_tokens: virtualTokens(20),
    encoder_hidden_size: int(8, 8192)
      .default(128)
      .meta(meta({ title: 'Encoder width', help: 'Hidden size of the prompt encoder.', scale: 'log' })),
  })
  .meta(
    meta({
      title: 'P-tuning',
      help: 'Prompt tuning whose embeddings are the outputs of a small prompt encoder (MLP). Only its outputs are saved.',
      paper: { title: 'P-tuning (2021)', url: 'https://arxiv.org/abs/2103.10385' },
      family: 'Prompts',
      short: 'P-tuning, {virtual_tokens} tokens',
      excludes: [
        {
          feature: 'pipeline_parallel',
          because: 'its virtual tokens stand before every sequence, and only the first stage knows them',
          instead: 'use lora',
        },
      ],
      traits: {
        base: 'frozen',
        adapter: 'peft',
        peftType: 'P_TUNING',
        notMergeable: 'its virtual tokens are input before every text, not weights',
        adapterFactor: null,
        cardNotes: {
          adapter:
            'The prompt encoder is not in it: only the vectors that it makes, which are all that is needed.',
        },
        trains: '{virtual_tokens} virtual tokens through a prompt encoder',
        cost: 'As prompt tuning, and a small network while training that is not saved.',
        choose: 'When prompt tuning is unstable.',
        usualRate: { low: 0.0001, start: 0.001, high: 0.3 },
      },
    }),
  );

const bottleneck = z
  .strictObject({
    type: z.literal('bottleneck'),
    bottleneck_size: int(1, 8192)
      .default(64)
      .meta(meta({ title: 'Bottleneck', help: 'Width of the layers that are put in.', scale: 'log' })),
    activation: z
      .enum(['relu', 'gelu', 'silu'])
      .default('gelu')
      .meta(
        meta({ title: 'Activation', help: 'Between the two projections of an adapter.', advanced: true }),
      ),
  })
  .meta(
    meta({
      title: 'Bottleneck adapters',
      help: 'Small layers put in series after attention and after the MLP of every layer (Houlsby).',
      paper: { title: 'Adapters (2019)', url: 'https://arxiv.org/abs/1902.00751' },
      family: 'Adapters',
      short: 'Adapters b{bottleneck_size}',
      traits: {
        base: 'frozen',
        adapter: 'own',
        notMergeable: 'its layers have an activation between them, so they cannot become part of a weight',
        trains: 'bottleneck adapters of width {bottleneck_size}',
        cost: 'Two small layers twice in every decoder layer; they stay in the model and cost time when it answers.',
        choose: 'To compare with the classic; only this workbench can load the result.',
        usualRate: { low: 1e-5, start: 0.001, high: 0.01 },
      },
    }),
  );

const bitfit = z.strictObject({ type: z.literal('bitfit') }).meta(
  meta({
    title: 'BitFit',
    help: 'Trains one bias for every output channel of every linear layer. Models without biases get zeros to start from.',
    paper: { title: 'BitFit (2021)', url: 'https://arxiv.org/abs/2106.10199' },
    family: 'Scaling and biases',
    short: 'BitFit',
    traits: {
      base: 'frozen',
      adapter: 'none',
      noAdapter: 'trains biases, which no adapter format holds',
      cardNotes: {
        merged: 'The trained biases are in the model; its config.json says that its linear layers have them.',
      },
      trains: 'the biases of all linear layers',
      cost: 'About 0.1% of the parameters, without any cost when the model answers.',
      choose: 'For small changes of style, with little data.',
      usualRate: { low: 1e-5, start: 0.001, high: 0.05 },
    },
  }),
);

const freeze = z
  .strictObject({
    type: z.literal('freeze'),
    last_layers: int(1, 1024)
      .default(2)
      .meta(
        meta({
          title: 'Trained layers',
          help: 'The last decoder layers, which are trained; all others are frozen.',
          unit: 'layers',
        }),
      ),
  })
  .meta(
    meta({
      title: 'Layer freezing',
      help: 'Trains every weight of the last layers and the final norm. The backward pass ends there, so it is fast.',
      family: 'Whole weights',
      short: 'Last {last_layers} layers',
      excludes: [
        {
          feature: 'quantization',
          because: 'it trains the base weights themselves, and weights in 4 bits cannot be changed',
          instead: 'choose lora, which trains beside 4-bit weights (QLoRA)',
        },
      ],
      traits: {
        base: 'trained',
        adapter: 'none',
        noAdapter: 'trains the weights of the model itself, so there is no adapter',
        trains: 'the last {last_layers} layers and the final norm',
        cost: 'Gradients and optimizer states of whole layers, but the backward pass ends early, so steps are fast.',
        choose: 'When the last layers are enough: new formats, classification-like tasks.',
        usualRate: { low: 1e-7, start: 5e-5, high: 0.001 },
      },
    }),
  );

const full = z.strictObject({ type: z.literal('full') }).meta(
  meta({
    title: 'Full fine-tuning',
    help: 'Trains every weight. Needs the most memory.',
    family: 'Whole weights',
    short: 'Full',
    excludes: [
      {
        feature: 'quantization',
        because: 'it trains the base weights themselves, and weights in 4 bits cannot be changed',
        instead: 'choose lora, which trains beside 4-bit weights (QLoRA)',
      },
    ],
    traits: {
      base: 'trained',
      adapter: 'none',
      noAdapter: 'trains the weights of the model itself, so there is no adapter',
      trains: 'every weight',
      cost: 'Gradients and optimizer states of every weight: with AdamW 16 bytes a parameter and more.',
      choose:
        'For much data that differs from what the model knows, when memory allows. LOMO and AdaLomo make it fit in far less.',
      usualRate: { low: 1e-7, start: 2e-5, high: 0.0005 },
    },
  }),
);

export const methodSchema = z.discriminatedUnion('type', [
  ...lowRankMethods,
  ia3,
  prompt,
  prefix,
  ptuning,
  bottleneck,
  bitfit,
  freeze,
  full,
]);
export type Method = z.infer<typeof methodSchema>;
export type MethodType = Method['type'];

/** All types, in the order of the schema. */
export const methodTypes = methodSchema.options.map((option) => option.shape.type.value) as [
  MethodType,
  ...MethodType[],
];
