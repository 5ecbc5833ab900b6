/**
 * Binary parts of an answer. Where a transport clones objects (Electron) they go as they are; over a socket an answer that has some is one
 * binary frame: the length of its JSON in bytes (uint32, little-endian), the JSON, then the parts, each at a multiple of 8 bytes, so that columns of
 * doubles are read where they lie. An answer without any is its JSON text.
 */

/** Bytes in an answer; read by `$bytes` on the other side. */
export class Bytes {
  readonly $bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.$bytes = bytes;
  }

  /** Its place in the frame that is being packed. Throws TypeError outside of `pack`: as JSON alone there is no such thing. */
  toJSON(): unknown {
    if (!packing) throw new TypeError('bytes are sent by pack()');
    const at = packing.length;
    packing.parts.push(this.$bytes);
    packing.length += padded(this.$bytes.byteLength);
    return { $bytes: [at, this.$bytes.byteLength] };
  }
}

const ALIGN = 8;
const LENGTH_BYTES = 4;
const padded = (length: number) => Math.ceil(length / ALIGN) * ALIGN;

let packing: { parts: Uint8Array[]; length: number } | null = null;

/** Throws what JSON.stringify throws. */
export function pack(message: unknown): string | Uint8Array {
  const frame = { parts: [] as Uint8Array[], length: 0 };
  packing = frame;
  let text: string;
  try {
    text = JSON.stringify(message);
  } finally {
    packing = null;
  }
  if (frame.parts.length === 0) return text;
  const json = new TextEncoder().encode(text);
  const start = padded(LENGTH_BYTES + json.byteLength);
  const out = new Uint8Array(start + frame.length);
  new DataView(out.buffer).setUint32(0, json.byteLength, true);
  out.set(json, LENGTH_BYTES);
  let at = start;
  for (const part of frame.parts) {
    out.set(part, at);
    at += padded(part.byteLength);
  }
  return out;
}

/** A message as it was packed; its bytes are views into the frame. Throws RangeError or SyntaxError for anything else. */
export function unpack(frame: string | ArrayBuffer): unknown {
  if (typeof frame === 'string') return JSON.parse(frame);
  const length = new DataView(frame).getUint32(0, true);
  const json = new TextDecoder().decode(new Uint8Array(frame, LENGTH_BYTES, length));
  const start = padded(LENGTH_BYTES + length);
  return JSON.parse(json, (key, value) =>
    key === '$bytes' && Array.isArray(value) ? new Uint8Array(frame, start + value[0], value[1]) : value,
  );
}
