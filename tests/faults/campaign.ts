/**
 * How much of the fault campaign is run: a short part in `npm test`, all of it in `npm run test:faults`. The faults are the same for a
 * seed (COLLIE_FAULTS_SEED); what became of them is printed.
 */
import { expect } from 'vitest';
import { toErrorInfo } from '../../electron/shared/errors.ts';
import { uniform } from '../support/random.ts';

export const whole = process.env.COLLIE_FAULTS === 'whole';
export const SEED = Number(process.env.COLLIE_FAULTS_SEED ?? 1);
/** Malformed inputs of each kind, kills, and full disks. */
export const INPUTS = whole ? 300 : 20;
export const KILLS = whole ? 300 : 4;
/** In a queue of real runs. */
export const QUEUE_KILLS = whole ? 50 : 2;
export const DISKS = whole ? 40 : 3;
/** Mutations for each parser of the core. */
export const FUZZ = whole ? 20_000 : 300;

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  'null',
  '-1',
  '1e999',
  '\\u0000',
  '\\ud800',
  '\0',
  '\uFEFF',
  '9'.repeat(40),
];
const NESTS = ['[', '{"a":', '('];

/** One to six changes: bits, pieces removed or doubled, tokens, nesting, a cut. */
export function mutate(bytes: Buffer, next: () => number): Buffer {
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = (list: readonly string[]) => list[below(list.length)] ?? '';
  let text = Buffer.from(bytes);
  for (let count = 1 + below(6); count > 0; count -= 1) {
    const at = below(text.length + 1);
    const length = 1 + below(40);
    const join = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
    const [head, piece, rest] = [
      text.subarray(0, at),
      text.subarray(at, at + length),
      text.subarray(at + length),
    ];
    const kind = below(6);
    if (kind === 0 && at < text.length) text.writeUInt8((text.readUInt8(at) ^ (1 << below(8))) & 0xff, at);
    else if (kind === 1) text = join(head, rest);
    else if (kind === 2) text = join(head, piece, piece, rest);
    else if (kind === 3) text = join(head, pick(TOKENS), piece, rest);
    else if (kind === 4) text = join(head, pick(NESTS).repeat(1 << below(15)), piece, rest);
    else text = Buffer.from(head);
  }
  return text;
}

/** What became of each damaged version of a file, by code. */
export async function inputs(
  kind: string,
  content: string | Buffer,
  read: (bytes: Buffer) => unknown,
): Promise<void> {
  const next = uniform(SEED);
  const outcomes = new Map<string, number>();
  let slowest = 0;
  for (let index = 0; index < INPUTS; index += 1) {
    const bytes = mutate(Buffer.from(content), next);
    const begun = performance.now();
    let outcome = 'read';
    try {
      await read(bytes);
    } catch (thrown) {
      if ((thrown as Error).name === 'AssertionError') throw thrown;
      const { code, message } = toErrorInfo(thrown);
      const shown = `input ${index} of ${kind}: ${message}\n${bytes.toString('latin1').slice(0, 500)}`;
      expect(code, shown).not.toBe('internal');
      expect(message.length, shown).toBeLessThan(2_000);
      outcome = code;
    }
    slowest = Math.max(slowest, performance.now() - begun);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  report(kind, outcomes, `slowest ${Math.round(slowest)} ms`);
}

export function report(kind: string, outcomes: ReadonlyMap<string, number>, more = ''): void {
  const counts = [...outcomes]
    .sort(([, one], [, other]) => other - one)
    .map(([code, count]) => `${code} ${count}`);
  console.log(`faults, ${kind}: ${counts.join(', ')}${more === '' ? '' : `; ${more}`}`);
}
