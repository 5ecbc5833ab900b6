import { expect, test } from 'vitest';
import { Bytes, pack, unpack } from '../../../electron/shared/api/bytes.ts';
import { DEFAULT_SET } from '../../../electron/shared/runs/event-line.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import {
  decodeSeries,
  type EncodedSeries,
  encodeSeries,
} from '../../../electron/shared/runs/series-codec.ts';
import { EventScript } from '../../support/event-script.ts';

/** As it comes out at the other end of a socket. */
function sent(message: unknown): unknown {
  const frame = pack(message);
  return unpack(typeof frame === 'string' ? frame : (frame.buffer as ArrayBuffer));
}

test('an answer without bytes is its JSON text', () => {
  const reply = { id: 1, result: { text: 'ü', list: [1, null] } };
  expect(pack(reply)).toBe(JSON.stringify(reply));
  expect(sent(reply)).toEqual(reply);
});

test('bytes come as they were, at places where doubles can be read', () => {
  const doubles = new Float64Array([1.5, Number.NaN, -0]);
  const whole = new Uint8Array(doubles.buffer);
  // A part of a larger buffer, an odd length, and nothing.
  const result = { name: 'ü', parts: [whole.subarray(8), new Uint8Array([7]), new Uint8Array()] };
  const got = sent({ id: 2, result: { ...result, parts: result.parts.map((part) => new Bytes(part)) } });
  const { parts } = (got as { result: { parts: { $bytes: Uint8Array }[] } }).result;
  expect(parts.map(({ $bytes }) => [...$bytes])).toEqual(result.parts.map((part) => [...part]));
  for (const { $bytes } of parts) expect($bytes.byteOffset % 8).toBe(0);
  const [first] = parts;
  if (!first) throw new Error('no part');
  expect([...new Float64Array(first.$bytes.buffer, first.$bytes.byteOffset, 2)]).toEqual([Number.NaN, -0]);
});

test('a fault in one answer does not stay for the next one', () => {
  const cycle: Record<string, unknown> = { bytes: new Bytes(new Uint8Array(3)) };
  cycle.self = cycle;
  expect(() => pack(cycle)).toThrow(TypeError);
  expect(() => JSON.stringify(new Bytes(new Uint8Array(3)))).toThrow('bytes are sent by pack()');
  expect(pack({ id: 3 })).toBe('{"id":3}');
});

test('a series is the same at the other end', () => {
  const script = new EventScript();
  script.started();
  for (const step of [1, 2, 3]) script.step(step, 2 - step / 7, { tokens: 10 * step });
  script.eval(3, 1.5);
  const series = reduceEvents(emptySeries, script.events);
  const encoded = sent(encodeSeries(series, (bytes) => new Bytes(bytes))) as EncodedSeries;
  const { steps: got, evals, ...rest } = decodeSeries(encoded);
  const { steps: before, evals: evalsBefore, ...others } = series;
  expect(rest).toEqual(others);
  expect([got.length, before.length]).toEqual([3, 3]);
  expect([...got.metric('loss')]).toEqual([...before.metric('loss')]);
  expect([...got.axis('seconds')]).toEqual([...before.axis('seconds')]);
  expect(evals[DEFAULT_SET]?.at('loss', 0)).toBe(evalsBefore[DEFAULT_SET]?.at('loss', 0));
  // Electron clones what it sends.
  const cloned = structuredClone(encodeSeries(series, (bytes) => new Bytes(bytes)));
  expect([...decodeSeries(cloned).steps.metric('loss')]).toEqual([...before.metric('loss')]);
  encoded.steps.length += 1;
  expect(() => decodeSeries(encoded)).toThrow(RangeError);
});
