/**
 * What both sides of the benchmark get: the same model folder (random weights in the shape of SmolLM2-135M) and the same
 * token store. Everything follows from seeds, so that a figure can be repeated.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { uniform } from '../../shared/spec/uniform.ts';

export type DataKind = 'unpadded' | 'ragged';

/** The shape of SmolLM2-135M; `layers` below 30 gives a smaller one for smoke tests. */
export function modelConfig(layers: number) {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: layers,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    vocab_size: 49152,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 100000,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: 'bfloat16',
  };
}

/** Standard normal by Box and Muller. */
export function normal(next: () => number): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    const angle = 2 * Math.PI * next();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function tensorShapes(layers: number): [name: string, shape: number[]][] {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocab } = modelConfig(layers);
  const kv = hidden / 3;
  const layer = (i: number): [string, number[]][] => [
    [`model.layers.${i}.input_layernorm.weight`, [hidden]],
    [`model.layers.${i}.mlp.down_proj.weight`, [hidden, inner]],
    [`model.layers.${i}.mlp.gate_proj.weight`, [inner, hidden]],
    [`model.layers.${i}.mlp.up_proj.weight`, [inner, hidden]],
    [`model.layers.${i}.post_attention_layernorm.weight`, [hidden]],
    [`model.layers.${i}.self_attn.k_proj.weight`, [kv, hidden]],
    [`model.layers.${i}.self_attn.o_proj.weight`, [hidden, hidden]],
    [`model.layers.${i}.self_attn.q_proj.weight`, [hidden, hidden]],
    [`model.layers.${i}.self_attn.v_proj.weight`, [kv, hidden]],
  ];
  return [
    ['model.embed_tokens.weight', [vocab, hidden]],
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    ['model.norm.weight', [hidden]],
  ];
}

/** bf16 of N(0, 0.02) values (norm weights: 1), rounded to nearest. */
function randomTensor(shape: number[], gaussian: () => number): Uint16Array {
  const size = shape.reduce((a, b) => a * b, 1);
  if (shape.length === 1) return new Uint16Array(size).fill(0x3f80);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = 0.02 * gaussian();
  const bits = new Uint32Array(values.buffer);
  const rounded = new Uint16Array(size);
  for (let i = 0; i < size; i++) rounded[i] = ((bits[i] as number) + 0x8000) >>> 16;
  return rounded;
}

/** Writes the model folder once (270 MB at 30 layers) and returns it. */
export function benchModel(root: string, layers: number): string {
  const folder = join(root, `model-${layers}-layers`);
  if (existsSync(join(folder, 'model.safetensors'))) return folder;
  const work = `${folder}.partial`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'config.json'), `${JSON.stringify(modelConfig(layers), null, 2)}\n`);

  const shapes = tensorShapes(layers);
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, shape] of shapes) {
    const end = offset + 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(join(work, 'model.safetensors'), 'w');
  try {
    writeSync(file, length);
    writeSync(file, json);
    const gaussian = normal(uniform(1));
    for (const [, shape] of shapes) writeSync(file, new Uint8Array(randomTensor(shape, gaussian).buffer));
  } finally {
    closeSync(file);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(work, folder);
  return folder;
}

/**
 * Row lengths. `unpadded`: `batch` rows of `seq` tokens, so that every step sees the same full batch. `ragged`: enough rows
 * for `steps` steps, log-normal like questions with worked answers (GSM8K with a chat template: median 170, 95 % below 340), 40 to `seq`.
 */
export function rowLengths(
  kind: DataKind,
  batch: number,
  seq: number,
  steps: number,
  seed: number,
): number[] {
  if (kind === 'unpadded') return Array.from({ length: batch }, () => seq);
  const gaussian = normal(uniform(seed));
  return Array.from({ length: batch * steps }, () => {
    const length = Math.round(170 * Math.exp(0.42 * gaussian()));
    return Math.min(seq, Math.max(Math.min(40, seq), length));
  });
}

/** Writes a token store of random ids; the first third of a ragged row is a prompt and masked. Returns its rows. */
export function writeTokens(dataDir: string, kind: DataKind, lengths: number[], seed: number): void {
  mkdirSync(dataDir, { recursive: true });
  const total = lengths.reduce((a, b) => a + b, 0);
  const ids = new Uint32Array(total);
  const mask = new Uint8Array(total);
  const offsets = new BigUint64Array(lengths.length + 1);
  const next = uniform(seed + 7919);
  let at = 0;
  lengths.forEach((length, row) => {
    const prompt = kind === 'ragged' ? Math.floor(length / 3) : 1;
    for (let i = 0; i < length; i++) {
      ids[at + i] = 3 + Math.floor(next() * 49149);
      mask[at + i] = i < prompt ? 0 : 1;
    }
    at += length;
    offsets[row + 1] = BigInt(at);
  });
  writeFileSync(join(dataDir, 'train.ids.u32'), ids);
  writeFileSync(join(dataDir, 'train.mask.u8'), mask);
  writeFileSync(join(dataDir, 'train.offsets.u64'), offsets);
}
