/** Methods: which weights are trained, and how. Part of the RunSpec. Hyperparameters have the names and defaults of PEFT
 * where PEFT has the method. */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';

/** Linear layers of a decoder layer, by the last part of their names. */
export const linearModules = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;

/** Modules outside of the linear layers that can be trained whole beside an adapter. */
export const savableModules = [
  'embed_tokens',
  'lm_head',
  'norm',
  'input_layernorm',
  'post_attention_layernorm',
] as const;

const rank = (value: number) =>
  int(1, 512)
    .default(value)
    .meta(
      meta({
        title: 'Rank',
        help: 'Size of the low-rank update. More rank learns more and costs more.',
        scale: 'log',
      }),
    );

const alpha = (value: number, help = 'The update is scaled by alpha / rank.') =>
  z
    .number()
    .positive()
    .max(4096)
    .default(value)
    .meta(meta({ title: 'Alpha', help }));

const dropout = z
  .number()
  .min(0)
  .max(0.9)
  .default(0)
  .meta(
    meta({
      title: 'Dropout',
      help: 'Share of the adapter input that is dropped while training.',
      step: 0.05,
    }),
  );

const targetModules = (modules: readonly string[]) =>
  z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(64)
    .default([...modules])
    .meta(
      meta({
        title: 'Target modules',
        help: 'Linear layers that get an adapter: names (`q_proj`), endings of full names (`layers.0.self_attn.q_proj`), or patterns in which * stands for anything and ? for one character (`layers.1?.mlp.*`).',
        suggestions: [...linearModules],
      }),
    );

const modulesToSave = z
  .array(z.enum(savableModules))
  .default([])
  .meta(
    meta({
      title: 'Also train',
      help: 'Modules that are trained whole beside the adapter and saved with it. Embeddings cost much memory.',
      advanced: true,
    }),
  );

const initAdapter = z
  .string()
  .min(1)
  .nullable()
  .default(null)
  .meta(
    meta({
      title: 'Continue from',
      help: 'A folder with an adapter in PEFT format (adapter_config.json and adapter_model.safetensors), for example an export of another run. It must have the same settings as this one.',
      control: 'adapter',
      advanced: true,
    }),
  );

const virtualTokens = (value: number) =>
  int(1, 1024)
    .default(value)
    .meta(
      meta({
        title: 'Virtual tokens',
        help: 'Trained vectors before every text. They take part in attention, so each costs as much as a token.',
        unit: 'tokens',
        scale: 'log',
      }),
    );

const initText = z
  .string()
  .max(10_000)
  .default('')
  .meta(
    meta({
      title: 'Start from text',
      help: 'The virtual tokens start as the tokens of this text, repeated or cut as needed. Empty: tokens of the vocabulary drawn at random.',
      control: 'multiline',
    }),
  );

/** What every method that fits LoRA factors has. */
const factors = {
  target_modules: targetModules(linearModules),
  modules_to_save: modulesToSave,
  init_adapter: initAdapter,
};

const lrRatio = z
  .number()
  .min(1)
  .max(256)
  .default(1)
  .meta(
    meta({
      title: 'Rate ratio of B',
      help: 'LoRA+: the matrix B learns with this multiple of the learning rate. 1 is plain LoRA, the paper likes 16 with a lower rate.',
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
  })
  .meta(
    meta({
      title: 'LoRA',
      help: 'Trains small low-rank matrices beside frozen weights.',
      paper: { title: 'LoRA (2021)', url: 'https://arxiv.org/abs/2106.09685' },
    }),
  );

const dora = z
  .strictObject({ type: z.literal('dora'), rank: rank(16), alpha: alpha(32), lr_ratio: lrRatio, ...factors })
  .meta(
    meta({
      title: 'DoRA',
      help: 'LoRA for the direction of each weight row, and its length trained on its own. Often better at low ranks, and slower.',
      paper: { title: 'DoRA (2024)', url: 'https://arxiv.org/abs/2402.09353' },
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
      .meta(meta({ title: 'First rank', help: 'Rank of every adapter at the start.', scale: 'log' })),
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
    beta1: smoothing('Sensitivity smoothing', 'Decay of the mean importance of a rank.'),
    beta2: smoothing('Uncertainty smoothing', 'Decay of the mean change of that importance.'),
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
    target_modules: targetModules(linearModules),
    modules_to_save: modulesToSave,
  })
  .meta(
    meta({
      title: 'AdaLoRA',
      help: 'LoRA as a singular value decomposition whose ranks are pruned while training, where they matter least.',
      paper: { title: 'AdaLoRA (2023)', url: 'https://arxiv.org/abs/2303.10512' },
    }),
  );

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
      help: 'Trains a few input vectors before every text; the model itself stays as it is.',
      paper: { title: 'Prompt tuning (2021)', url: 'https://arxiv.org/abs/2104.08691' },
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
      help: 'Prompt tuning whose vectors come out of a small trained network. Only its outputs are saved.',
      paper: { title: 'P-tuning (2021)', url: 'https://arxiv.org/abs/2103.10385' },
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
    }),
  );

const bitfit = z.strictObject({ type: z.literal('bitfit') }).meta(
  meta({
    title: 'BitFit',
    help: 'Trains one bias for every output channel of every linear layer. Models without biases get zeros to start from.',
    paper: { title: 'BitFit (2021)', url: 'https://arxiv.org/abs/2106.10199' },
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
    }),
  );

const full = z
  .strictObject({ type: z.literal('full') })
  .meta(meta({ title: 'Full fine-tuning', help: 'Trains every weight. Needs the most memory.' }));

export const methodSchema = z.discriminatedUnion('type', [
  lora,
  dora,
  pissa,
  adalora,
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
