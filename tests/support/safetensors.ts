/** The safetensors format, as far as tests need it: small files in memory. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface TensorData {
  dtype: 'F32' | 'BF16' | 'F16' | 'I32';
  shape: number[];
  bytes: Uint8Array;
}

/** Of a file's header. */
interface Entry {
  dtype: TensorData['dtype'];
  shape: number[];
  data_offsets: [number, number];
}

export function writeSafetensors(path: string, tensors: Record<string, TensorData>): void {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...Object.values(tensors).map((tensor) => tensor.bytes)]));
}

/** Names, shapes and dtypes of a file. */
export function readSafetensorsHeader(path: string): Record<string, { dtype: string; shape: number[] }> {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return tensors;
}

/** All tensors of a file with their bytes, by their names. */
export function readSafetensorsBytes(path: string): Map<string, TensorData> {
  const bytes = readFileSync(path);
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, begin).toString());
  const data = ({ dtype, shape, data_offsets: [from, to] }: Entry): TensorData => ({
    dtype,
    shape,
    bytes: Uint8Array.from(bytes.subarray(begin + from, begin + to)),
  });
  return new Map(Object.entries<Entry>(tensors).map(([name, entry]) => [name, data(entry)]));
}

/** Values of all tensors of a file, F32 or BF16, by their names. */
export function readSafetensorsValues(path: string): Map<string, Float32Array> {
  const bytes = readFileSync(path);
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, begin).toString());
  const values = (dtype: string, raw: Uint8Array) => {
    if (dtype === 'F32') return new Float32Array(raw.buffer);
    if (dtype !== 'BF16') throw new Error(`${path}: ${dtype} is not read here`);
    return new Float32Array(Uint32Array.from(new Uint16Array(raw.buffer), (half) => half << 16).buffer);
  };
  return new Map(
    Object.entries<{ dtype: string; data_offsets: [number, number] }>(tensors).map(
      ([
        name,
        {
          dtype,
          data_offsets: [from, to],
        },
      ]) => [name, values(dtype, Uint8Array.from(bytes.subarray(begin + from, begin + to)))],
    ),
  );
}

export const float32Bytes = (values: Float32Array) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Rounded to nearest, ties to even. */
export function bfloat16Bytes(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const rounded = Uint16Array.from(bits, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
  return new Uint8Array(rounded.buffer);
}
