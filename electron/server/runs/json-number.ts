/**
 * Numbers in bytes of JSON, as JSON.parse reads them, to the bit, and several times as fast: most of the time of reading a long run went into them. Those of up to 18 digits are
 * computed here: exactly up to 15 (W. D. Clinger, "How to read floating point numbers accurately", 1990), else as a quotient in two doubles
 * (T. J. Dekker, "A floating-point technique for extending the available precision", 1971), wherever that leaves no doubt how it rounds. JavaScript reads the rest.
 */

const POWERS = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`)); // all of them exact
/** So many at a time, as whole numbers of 32 bits. */
const PART_DIGITS = 9;
/** A double holds them whatever they are. */
const EXACT_DIGITS = 15;
/** More than the error of the second quotient, less than what decides. */
const DOUBT = 2 ** -48;
const SPLIT = 2 ** 27 + 1;

const MINUS = 45;
const PLUS = 43;
const POINT = 46;
const ZERO = 48;
const LOWER_CASE = 0x20;
const SMALL_E = 101;

/** Four digits at once, as a word of little-endian bytes. */
const FOUR = 4;
const HIGH_HALVES = 0xf0f0f0f0 | 0;
const DIGIT_HALVES = 0x30303030;
/** Added to a digit it changes no upper half, to the six characters behind `9` it does. */
const SIX = 0x06060606;

/** Reads one number after another. */
export class NumberReader {
  value = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The offset behind the number that begins at `from`, its value in `value`; -1: there is none as JSON writes them. */
  read(from: number): number {
    const bytes = this.#bytes;
    const lastWord = bytes.length - FOUR;
    let at = from;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    const first = at;
    let high = 0; // the first part, without zeros in front
    let low = 0;
    let digits = 0;
    let point = -1;
    for (; ; at++) {
      // What does not go over the end of a part: more than two parts are not used.
      while (at <= lastWord && high > 0 && (digits <= PART_DIGITS - FOUR || digits >= PART_DIGITS)) {
        const four = fourDigits(this.#view.getInt32(at, true));
        if (four < 0) break;
        if (digits < PART_DIGITS) high = (high * 10_000 + four) | 0;
        else low = (low * 10_000 + four) | 0;
        digits += FOUR;
        at += FOUR;
      }
      const digit = (bytes[at] as number) - ZERO;
      if (digit >= 0 && digit <= 9) {
        if (digits < PART_DIGITS) high = (high * 10 + digit) | 0;
        else low = (low * 10 + digit) | 0;
        if (high > 0) digits++;
      } else if (digit === POINT - ZERO && point < 0) point = at;
      else break;
    }
    const whole = (point < 0 ? at : point) - first;
    const fraction = point < 0 ? 0 : at - point - 1;
    if (whole === 0 || at - 1 === point || (whole > 1 && bytes[first] === ZERO)) return -1;
    let exponent = 0;
    if (((bytes[at] as number) | LOWER_CASE) === SMALL_E) {
      at++;
      const below = bytes[at] === MINUS;
      if (below || bytes[at] === PLUS) at++;
      const begin = at;
      for (; ; at++) {
        const digit = (bytes[at] as number) - ZERO;
        if (!(digit >= 0 && digit <= 9)) break;
        exponent = exponent * 10 + digit;
      }
      if (at === begin) return -1;
      if (below) exponent = -exponent;
    }
    const value = nearest(high, low, digits, exponent - fraction);
    if (Number.isNaN(value)) this.value = Number(String.fromCharCode(...bytes.subarray(from, at)));
    else this.value = negative ? -value : value;
    return at;
  }
}

/** The number that four characters write; -1: they are not all digits. */
function fourDigits(word: number): number {
  if ((word & HIGH_HALVES) !== DIGIT_HALVES || ((word + SIX) & HIGH_HALVES) !== DIGIT_HALVES) return -1;
  const digits = word & ~HIGH_HALVES;
  const pairs = digits * 10 + (digits >>> 8); // in the first and the third byte
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
}

/** (`high` 10^k + `low`) 10^`exponent`, of so many digits; NaN where it is not sure which double is the nearest. */
function nearest(high: number, low: number, digits: number, exponent: number): number {
  if (exponent < -22 || exponent > 22 || digits > 2 * PART_DIGITS) return Number.NaN;
  const upper = digits > PART_DIGITS ? high * (POWERS[digits - PART_DIGITS] as number) : high; // exact: 9 digits and 21 bits
  const value = upper + low;
  const scale = POWERS[exponent < 0 ? -exponent : exponent] as number;
  if (digits <= EXACT_DIGITS) return exponent < 0 ? value / scale : value * scale;
  if (exponent > 0) return Number.NaN;
  if (exponent === 0) return value;
  const quotient = value / scale;
  const back = quotient * scale;
  const lost = low - (value - upper);
  const rest = (value - back - errorOf(back, quotient, scale) + lost) / scale;
  const sum = quotient + rest;
  const sure = quotient + rest * (1 - DOUBT) === sum && quotient + rest * (1 + DOUBT) === sum;
  return sure ? sum : Number.NaN;
}

/** a b - `product`, the double nearest to it: exact. */
function errorOf(product: number, a: number, b: number): number {
  const aHigh = upperHalf(a);
  const bHigh = upperHalf(b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

function upperHalf(value: number): number {
  const wide = SPLIT * value;
  return wide - (wide - value);
}
