/** Settings that several methods have. Hyperparameters have the names and defaults of PEFT where PEFT has the method. */
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

export const rank = (value: number) =>
  int(1, 512)
    .default(value)
    .meta(
      meta({
        title: 'Rank',
        help: 'Size of the low-rank update. More rank learns more and costs more.',
        scale: 'log',
      }),
    );

export const alpha = (value: number, help = 'The update is scaled by alpha / rank.') =>
  z
    .number()
    .positive()
    .max(4096)
    .default(value)
    .meta(meta({ title: 'Alpha', help }));

export const dropout = z
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

export const targetModules = (modules: readonly string[]) =>
  z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(64)
    .default([...modules])
    .meta(
      meta({
        title: 'Target modules',
        help: 'Linear layers that get an adapter: names (`q_proj`), endings of full names (`layers.0.self_attn.q_proj`), or patterns in which * stands for anything and ? for one character (`layers.1?.mlp.*`). `all-linear` is all of them.',
        suggestions: [...linearModules],
      }),
    );

export const modulesToSave = z
  .array(z.enum(savableModules))
  .default([])
  .meta(
    meta({
      title: 'Also train',
      help: 'Modules that are trained whole beside the adapter and saved with it. Embeddings cost much memory.',
      advanced: true,
    }),
  );

export const initAdapter = z
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

export const virtualTokens = (value: number) =>
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

export const initText = z
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
export const factors = {
  target_modules: targetModules(linearModules),
  modules_to_save: modulesToSave,
};
