/** Numbers in bytes are those that JSON.parse reads, to the bit, and nothing else is a number. */
import { expect, test } from 'vitest';
import { NumberReader } from '../../../electron/server/runs/json-number.ts';
import { uniform } from '../../../electron/shared/spec/uniform.ts';

/** undefined: no number, or one that ends too early. */
function read(text: string): number | undefined {
  const reader = new NumberReader(Buffer.from(`:${text},`));
  return reader.read(1) === text.length + 1 ? reader.value : undefined;
}

function parsed(text: string): number | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const differing = (texts: readonly string[]) =>
  texts.filter((text) => !Object.is(read(text), parsed(text))).slice(0, 5);

test('what JSON allows is read, anything else is not', () => {
  const texts =
    '0 -0 -0.0 1 -1 10 01 -01 00 1. .5 -.5 1.5 1.50 -1.25e3 1e5 1E5 1e+5 1e-5 1e 1e+ - e5 1.e5 0.0 0.1 0e0 1..2 1.2.3 +1 NaN 1e400 -1e400 1e-400 5e-324 2.2250738585072014e-308 9007199254740993 123456789012345678901234567890 0.000030000000000000004 4e-8 1e22 1e23 1.7976931348623157e308 0.1e-30 1e-23 999999999999999999 9999999999999999999 4.35 0.3 2.675 9007199254740992.5 9007199254740993.5 1.00000000000000011102230246251565 1e00000000000000000000000005';
  expect(differing(texts.split(' '))).toEqual([]);
  expect(read('9007199254740993')).toBe(9007199254740992); // a tie: to the even one
  expect(['01', '1.', '.5', '1e', '', '-'].map(read)).toEqual(Array(6).fill(undefined));
});

test('a number at the end of the bytes ends there', () => {
  for (const text of ['1.25', '12345', '1234567890123.4567']) {
    const reader = new NumberReader(Buffer.from(`[${text}`));
    expect([reader.read(1), reader.value]).toEqual([text.length + 1, Number(text)]);
  }
  expect(new NumberReader(Buffer.from('[1.')).read(1)).toBe(-1);
});

test('drawn numbers of every size and length', () => {
  const next = uniform(7);
  const bits = new DataView(new ArrayBuffer(8));
  const texts: string[] = [];
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(next() * 10)).join('') || '0';
  for (let k = 0; k < 60_000; k++) {
    bits.setUint32(0, Math.floor(next() * 2 ** 32));
    bits.setUint32(4, Math.floor(next() * 2 ** 32));
    const any = bits.getFloat64(0);
    if (Number.isFinite(any)) texts.push(String(any), any.toExponential(Math.floor(next() * 18)));
    texts.push(String(next()), String(Math.fround(next())), String(next() * 10 ** Math.floor(next() * 16)));
    texts.push(`${1 + Math.floor(next() * 9)}${digits(next() * 20)}.${digits(1 + next() * 22)}`);
    texts.push(`0.${digits(1 + next() * 24)}e${Math.floor(next() * 60) - 30}`);
  }
  expect(differing(texts)).toEqual([]);
});

test('halfway between two doubles, and just beside it', () => {
  const next = uniform(8);
  const texts: string[] = [];
  for (let k = 0; k < 20_000; k++) {
    // 2^53 + an odd number lies between two doubles; with what follows the point it is not quite there.
    const odd = 2n ** 53n + 2n * BigInt(Math.floor(next() * 2 ** 50)) + 1n;
    for (const end of ['', '.0', '.1', '.01', '.001', 'e-5', 'e-20', 'e2']) texts.push(`${odd}${end}`);
    const tie = (Math.floor(next() * 2 ** 40) + 0.5) / 2 ** 12;
    texts.push(String(tie), `${tie}1`, `${tie}00001`);
  }
  expect(differing(texts)).toEqual([]);
});
