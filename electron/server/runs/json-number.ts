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

/** Reads one number after another. */
export class NumberReader {
  value = 0;

  /** The offset behind the number that begins at `from`, its value in `value`; -1: there is none as JSON writes them. */
  read(bytes: Uint8Array, from: number): number {
    let at = from;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    const first = at;
    let high = 0; // the first part, without zeros in front
    let low = 0;
    let digits = 0;
    let point = -1;
    for (; ; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit >= 0 && digit <= 9) {
        if (digits < PART_DIGITS) high = (high * 10 + digit) | 0;
        else low = (low * 10 + digit) | 0; // more than two parts are not used
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
