/**
 * A whole model that trains in seconds on any CPU: two layers of 64 and random weights, with a real byte-level BPE tokenizer and a ChatML
 * template (tests/fixtures/tiny-model). A Hugging Face folder like any other; a Llama, or of a family that differs from it a lot.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gaussian, uniform } from './random.ts';
import { bfloat16Bytes, float32Bytes, type TensorData, writeSafetensors } from './safetensors.ts';

const tokenizerFolder = join(import.meta.dirname, '../fixtures/tiny-model');
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'];

export type TinyFamily = 'llama' | 'qwen3' | 'gemma3';

export interface TinyModelOptions {
  family: TinyFamily;
  dtype: 'BF16' | 'F32';
  seed: number;
  /** Of all weights but norms. Large enough that logits differ visibly. */
  std: number;
  layers: number;
  tied: boolean;
}

const HIDDEN = 64;
const INNER = 160;
const HEADS = 4;
const KV_HEADS = 2;
const HEAD_DIM = HIDDEN / HEADS;
/** The tokenizer has 503 tokens; rounded up as real models do. */
export const TINY_VOCAB = 512;

/** What config.json and layers have beside Llama's. */
const families: Record<
  TinyFamily,
  {
    config: object;
    norms: [name: string, size: number][] /** Norms that store their weight without 1. */;
    plusOne?: boolean;
  }
> = {
  llama: {
    config: {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_act: 'silu',
      rope_theta: 10000,
      attention_bias: false,
      mlp_bias: false,
    },
    norms: [],
  },
  qwen3: {
    config: {
      architectures: ['Qwen3ForCausalLM'],
      model_type: 'qwen3',
      hidden_act: 'silu',
      rope_theta: 1000000,
      attention_bias: false,
      use_sliding_window: false,
      sliding_window: null,
      max_window_layers: 2,
    },
    norms: [
      ['self_attn.q_norm', HEAD_DIM],
      ['self_attn.k_norm', HEAD_DIM],
    ],
  },
  gemma3: {
    config: {
      architectures: ['Gemma3ForCausalLM'],
      model_type: 'gemma3_text',
      hidden_activation: 'gelu_pytorch_tanh',
      query_pre_attn_scalar: HEAD_DIM,
      rope_theta: 1000000,
      rope_local_base_freq: 10000,
      sliding_window: 16,
      layer_types: ['sliding_attention', 'full_attention'],
    },
    norms: [
      ['self_attn.q_norm', HEAD_DIM],
      ['self_attn.k_norm', HEAD_DIM],
      ['pre_feedforward_layernorm', HIDDEN],
      ['post_feedforward_layernorm', HIDDEN],
    ],
    plusOne: true,
  },
};

function config({ family, layers, tied, dtype }: TinyModelOptions) {
  return {
    ...families[family].config,
    hidden_size: HIDDEN,
    intermediate_size: INNER,
    num_hidden_layers: layers,
    num_attention_heads: HEADS,
    num_key_value_heads: KV_HEADS,
    head_dim: HEAD_DIM,
    vocab_size: TINY_VOCAB,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: tied,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: dtype === 'BF16' ? 'bfloat16' : 'float32',
  };
}

function shapes({ family, layers, tied }: TinyModelOptions): [string, number[]][] {
  const result: [string, number[]][] = [['model.embed_tokens.weight', [TINY_VOCAB, HIDDEN]]];
  for (let i = 0; i < layers; i++) {
    const prefix = `model.layers.${i}.`;
    result.push(
      [`${prefix}input_layernorm.weight`, [HIDDEN]],
      [`${prefix}self_attn.q_proj.weight`, [HIDDEN, HIDDEN]],
      [`${prefix}self_attn.k_proj.weight`, [KV_HEADS * HEAD_DIM, HIDDEN]],
      [`${prefix}self_attn.v_proj.weight`, [KV_HEADS * HEAD_DIM, HIDDEN]],
      [`${prefix}self_attn.o_proj.weight`, [HIDDEN, HIDDEN]],
      [`${prefix}post_attention_layernorm.weight`, [HIDDEN]],
      [`${prefix}mlp.gate_proj.weight`, [INNER, HIDDEN]],
      [`${prefix}mlp.up_proj.weight`, [INNER, HIDDEN]],
      [`${prefix}mlp.down_proj.weight`, [HIDDEN, INNER]],
    );
    for (const [name, size] of families[family].norms) result.push([`${prefix}${name}.weight`, [size]]);
  }
  result.push(['model.norm.weight', [HIDDEN]]);
  if (!tied) result.push(['lm_head.weight', [TINY_VOCAB, HIDDEN]]);
  return result;
}

/** Writes the model folder and returns it. */
export function makeTinyModel(folder: string, wanted: Partial<TinyModelOptions> = {}): string {
  const options: TinyModelOptions = {
    family: 'llama',
    dtype: 'BF16',
    seed: 1,
    std: 0.08,
    layers: 2,
    tied: true,
    ...wanted,
  };
  mkdirSync(folder, { recursive: true });
  for (const name of tokenizerFiles) copyFileSync(join(tokenizerFolder, name), join(folder, name));
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config(options), null, 2)}\n`);
  const next = uniform(options.seed);
  const tensors: Record<string, TensorData> = {};
  for (const [name, shape] of shapes(options)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = gaussian(next, size, options.std);
    if (shape.length === 1 && !families[options.family].plusOne)
      for (let i = 0; i < size; i++) values[i] = 1 + (values[i] as number);
    const bytes = options.dtype === 'BF16' ? bfloat16Bytes(values) : float32Bytes(values);
    tensors[name] = { dtype: options.dtype, shape, bytes };
  }
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}
