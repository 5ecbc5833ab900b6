/**
 * A column of doubles in as few bytes as give back every bit of it: much of what is measured never changes, counts evenly, or is a whole number. A
 * kind and the number of values (two uint32: doubles behind them lie where doubles may), then what the kind needs, all little-endian.
 */

const HEADER = 8;

interface Kind {
  /** null: the column is not of this kind. */
  pack(values: Float64Array): ArrayBufferView | null;
  /** Bytes of a column of this length. */
  size(length: number): number;
  unpack(bytes: Uint8Array, length: number): Float64Array;
}

const all = (values: Float64Array, fits: (value: number, row: number) => boolean): boolean => {
  for (let row = 0; row < values.length; row++) if (!fits(values[row] as number, row)) return false;
  return true;
};

/** Views of a part of a message, which begins at a multiple of 8. */
const doubles = ({ buffer, byteOffset }: Uint8Array, length: number) =>
  new Float64Array(buffer, byteOffset, length);

/** By their places: never reordered, only added to. The first that fits is taken. */
const kinds: readonly Kind[] = [
  {
    // One value, NaN among them.
    pack: (values) => {
      const [first] = values;
      return all(values, (value) => Object.is(value, first)) ? values.slice(0, 1) : null;
    },
    size: () => 8,
    unpack: (bytes, length) => new Float64Array(length).fill(doubles(bytes, 1)[0] as number),
  },
  {
    // A first value and what each further one is more.
    pack: (values) => {
      const [first = 0, second = 0] = values;
      const by = second - first;
      return all(values, (value, row) => Object.is(value, first + row * by))
        ? Float64Array.of(first, by)
        : null;
    },
    size: () => 16,
    unpack: (bytes, length) => {
      const [first = 0, by = 0] = doubles(bytes, 2);
      return new Float64Array(length).map((_, row) => first + row * by);
    },
  },
  {
    // Whole numbers of 32 bits; not -0.
    pack: (values) => (all(values, (value) => Object.is(value, value | 0)) ? Int32Array.from(values) : null),
    size: (length) => 4 * length,
    unpack: ({ buffer, byteOffset }, length) => Float64Array.from(new Int32Array(buffer, byteOffset, length)),
  },
  {
    // What the engine has measured in single precision.
    pack: (values) =>
      all(values, (value) => Object.is(value, Math.fround(value))) ? Float32Array.from(values) : null,
    size: (length) => 4 * length,
    unpack: ({ buffer, byteOffset }, length) =>
      Float64Array.from(new Float32Array(buffer, byteOffset, length)),
  },
  { pack: (values) => values, size: (length) => 8 * length, unpack: doubles },
];

export function packColumn(values: Float64Array): Uint8Array {
  for (const [place, kind] of kinds.entries()) {
    const packed = kind.pack(values);
    if (!packed) continue;
    const out = new Uint8Array(HEADER + packed.byteLength);
    new Uint32Array(out.buffer, 0, 2).set([place, values.length]);
    out.set(new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength), HEADER);
    return out;
  }
  throw new TypeError('no kind of column fits'); // The last one fits all.
}

/** Whether these bytes say that they are a column of this length, and are as many as that takes. They begin at a multiple of 8. */
export const isColumn = (bytes: Uint8Array, length: number): boolean => kindOf(bytes, length) !== null;

function kindOf(bytes: Uint8Array, length: number): Kind | null {
  const header = bytes.byteLength < HEADER ? [] : new Uint32Array(bytes.buffer, bytes.byteOffset, 2);
  const kind = kinds[header[0] ?? -1];
  return kind && header[1] === length && bytes.byteLength === HEADER + kind.size(length) ? kind : null;
}

/** May be a view on the bytes. Throws RangeError for bytes that are no column of this length. */
export function unpackColumn(bytes: Uint8Array, length: number): Float64Array {
  const kind = kindOf(bytes, length);
  if (!kind) throw new RangeError(`${bytes.byteLength} bytes are no column of ${length} values`);
  return kind.unpack(bytes.subarray(HEADER), length);
}
