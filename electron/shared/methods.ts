/** Methods: which weights are trained, and how. Part of the RunSpec. */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';

export const loraTargets = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;

const loraMethod = z
  .strictObject({
    type: z.literal('lora'),
    rank: int(1, 512)
      .default(16)
      .meta(
        meta({
          title: 'Rank',
          help: 'Size of the low-rank update. More rank learns more and costs more.',
          scale: 'log',
        }),
      ),
    alpha: z
      .number()
      .positive()
      .max(4096)
      .default(32)
      .meta(meta({ title: 'Alpha', help: 'The update is scaled by alpha / rank.' })),
    dropout: z
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
      ),
    target_modules: z
      .array(z.enum(loraTargets))
      .min(1)
      .default([...loraTargets])
      .meta(meta({ title: 'Target modules', help: 'Linear layers that get an adapter.' })),
  })
  .meta(
    meta({
      title: 'LoRA',
      help: 'Trains small low-rank matrices beside frozen weights.',
      paper: { title: 'LoRA (2021)', url: 'https://arxiv.org/abs/2106.09685' },
    }),
  );

const fullMethod = z
  .strictObject({ type: z.literal('full') })
  .meta(meta({ title: 'Full fine-tuning', help: 'Trains every weight. Needs the most memory.' }));

export const methodSchema = z.discriminatedUnion('type', [loraMethod, fullMethod]);
export type Method = z.infer<typeof methodSchema>;
