/** Models of the shape of another with more or fewer layers and random weights: for memory and speed, which weights do not change. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { uniform } from '../../shared/spec/uniform.ts';
import { buildBeside, renameUnlessTaken } from '../files/publish.ts';
import { writeTextSync } from '../files/write.ts';

interface Tensor {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const LAYER = /\.layers\.(\d+)\./;
const BYTES: Readonly<Record<string, number>> = { BF16: 2, F16: 2, F32: 4 };
/** Small random numbers of a bf16 tensor, written again and again: nobody asks which. */
const PATTERN = 1 << 16;

/** A model folder beside the library's cache; made once. Throws model.unsupported for a model whose weights are in several files. */
export function modelOfShape(model: string, layers: number, cache: string): string {
  const destination = join(cache, `${basename(model)}-${layers}-layers`);
  if (existsSync(destination)) return destination;
  const weights = join(model, 'model.safetensors');
  if (!existsSync(weights))
    throw new CollieError(
      'request.invalid',
      `${model} has no model.safetensors: a shape can only be taken from a model whose weights are one file.`,
      'Leave out the layers of this study, or name another model.',
    );
  const building = buildBeside(destination);
  try {
    for (const name of readdirSync(model))
      if (/^(tokenizer|special_tokens|generation|chat_template|vocab|merges)/.test(name))
        copyFileSync(join(model, name), join(building, name));
    const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'));
    writeTextSync(join(building, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: layers }));
    writeRandom(join(building, 'model.safetensors'), withLayers(headerOf(weights), layers));
    renameUnlessTaken(building, destination);
    return destination;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

function headerOf(path: string): Record<string, Tensor> {
  const file = openSync(path, 'r');
  try {
    const size = Buffer.alloc(8);
    readSync(file, size, 0, 8, 0);
    const text = Buffer.alloc(Number(size.readBigUInt64LE()));
    readSync(file, text, 0, text.length, 8);
    const { __metadata__: _, ...tensors } = JSON.parse(text.toString('utf8'));
    return tensors;
  } finally {
    closeSync(file);
  }
}

/** What is not of a layer, and the first layer as often as is wanted. */
function withLayers(tensors: Record<string, Tensor>, layers: number): Map<string, Tensor> {
  const made = new Map<string, Tensor>();
  let offset = 0;
  const put = (name: string, { dtype, shape }: Tensor) => {
    const bytes = shape.reduce((product, size) => product * size, BYTES[dtype] ?? 4);
    made.set(name, { dtype, shape, data_offsets: [offset, offset + bytes] });
    offset += bytes;
  };
  for (const [name, tensor] of Object.entries(tensors)) {
    const layer = LAYER.exec(name)?.[1];
    if (layer === undefined) put(name, tensor);
    else if (layer === '0')
      for (let k = 0; k < layers; k += 1) put(name.replace('.layers.0.', `.layers.${k}.`), tensor);
  }
  return made;
}

function writeRandom(path: string, tensors: Map<string, Tensor>): void {
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  const padded = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, ' ')]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  const pattern = randomPattern();
  const file = openSync(path, 'w');
  try {
    writeSync(file, size);
    writeSync(file, padded);
    for (const { dtype, shape, data_offsets } of tensors.values()) {
      // Norms are ones, or what they scale would vanish layer by layer.
      const bytes = data_offsets[1] - data_offsets[0];
      const fill = shape.length === 1 && dtype === 'BF16' ? ones() : (pattern[dtype] ?? pattern.BF16);
      for (let done = 0; done < bytes; done += fill.length)
        writeSync(file, fill, 0, Math.min(fill.length, bytes - done));
    }
  } finally {
    closeSync(file);
  }
}

/** 1.0 in bf16 is 0x3f80. */
const ones = () => Buffer.alloc(PATTERN, Buffer.from([0x80, 0x3f]));

function randomPattern(): { BF16: Buffer } & Record<string, Buffer | undefined> {
  const next = uniform(1);
  const values = Float32Array.from({ length: PATTERN / 4 }, () => (next() - 0.5) * 0.04);
  const f32 = Buffer.from(values.buffer);
  const bf16 = Buffer.alloc(f32.length / 2);
  for (let k = 0; k < values.length; k += 1) f32.copy(bf16, 2 * k, 4 * k + 2, 4 * k + 4);
  return { BF16: bf16, F32: f32 };
}
