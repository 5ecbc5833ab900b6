/** GGUF files for tests, byte by byte. */

const bytes = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string) => bytes(u64(value.length), value);
const STRING = 8;
const ARRAY = 9;

/** A file without weights whose vocabulary is an array of so many texts. */
export function ggufWithTokens(count: number): Buffer {
  const tokens = Array.from({ length: count }, (_, k) => text(`token${k}`));
  return bytes(
    'GGUF',
    u32(3),
    u64(0),
    u64(3),
    text('general.architecture'),
    u32(STRING),
    text('llama'),
    text('llama.context_length'),
    u32(4),
    u32(2048),
    text('tokenizer.ggml.tokens'),
    u32(ARRAY),
    u32(STRING),
    u64(count),
    Buffer.concat(tokens),
  );
}
