/** The wire format of Protocol Buffers, as far as small files need it: fields in order, nested messages read where their reader asks for them. */

export interface Field {
  number: number;
  /** A varint as a number, a fixed 32-bit or 64-bit value or a length-delimited one as its bytes. */
  value: number | Buffer;
}

/** Bytes that are no message. What file they are of is the caller's to say. */
export class WireError extends Error {}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
const MOST_VARINT_BYTES = 10;

/** Every field of one message, in order. Nothing is copied. Throws WireError for what is cut off or of another format. */
export function* fields(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let k = 0; k < MOST_VARINT_BYTES; ++k) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      // Negative numbers fill all 64 bits; they are beyond what a double holds, and told apart by `signed`.
      value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) return value;
    }
    throw new WireError(`a number is cut off at byte ${at}`);
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at)
      throw new WireError(`${length} bytes are announced at byte ${at}, ${bytes.length - at} are left`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const kind = key % 8;
    if (number === 0 || number >= 2 ** 29) throw new WireError(`field ${number} at byte ${at}`);
    if (kind === VARINT) yield { number, value: varint() };
    else if (kind === DELIMITED) yield { number, value: take(varint()) };
    else if (kind === FIXED32) yield { number, value: take(4) };
    else if (kind === FIXED64) yield { number, value: take(8) };
    else throw new WireError(`a field of kind ${kind} at byte ${at}`);
  }
}

/** An int32 of a varint, as which -1 is ten bytes. */
export const signed = (value: number): number => (value >= 2 ** 63 ? -1 : value);
