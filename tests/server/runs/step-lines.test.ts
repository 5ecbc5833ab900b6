/** Steps read by their form give the series that their lines give, whatever stands between them; and so do all lines where there is no addon. */
import { afterEach, expect, test, vi } from 'vitest';
import { EventReader } from '../../../electron/server/runs/event-reader.ts';
import { axes, type Points } from '../../../electron/shared/runs/points.ts';
import {
  emptySeries,
  type RunSeries,
  reduceChecked,
  reduceLines,
} from '../../../electron/shared/runs/series.ts';
import { widthOf } from '../../../electron/shared/runs/step-rows.ts';
import { uniform } from '../../../electron/shared/spec/uniform.ts';
import { eventLines } from '../../bench/fabricate.ts';
import { describeWithAddon } from '../../native/addon-built.ts';

const columns = (points: Points) => ({
  axes: axes.map((name) => [...points.axis(name)]),
  metrics: points.names.map((name) => [name, ...points.metric(name)]),
});
const plain = ({ steps, evals, ...rest }: RunSeries) => ({
  ...rest,
  steps: columns(steps),
  evals: Object.entries(evals).map(([set, points]) => [set, columns(points)]),
});

afterEach(() => {
  vi.unstubAllEnvs();
});
const withoutAddon = () => vi.stubEnv('COLLIE_ADDON', '/nowhere/collie_native.node');

/** The series of pieces of a file. */
function seriesOf(pieces: readonly Buffer[]): RunSeries {
  const reader = new EventReader();
  return pieces.reduce((series, piece) => reduceChecked(series, reader.events(piece)), emptySeries);
}

/** The series of the lines, which bytes must give as well; in pieces too, and without the addon. */
function bothWays(lines: readonly string[]): RunSeries {
  const whole = reduceLines(emptySeries, lines);
  const pieces: Buffer[] = [];
  for (let from = 0; from < lines.length; from += 7)
    pieces.push(Buffer.from(lines.slice(from, from + 7).join('\n')));
  for (const prepare of [() => vi.unstubAllEnvs(), withoutAddon]) {
    prepare();
    expect(plain(seriesOf([Buffer.from(lines.join('\n'))]))).toEqual(plain(whole));
    expect(plain(seriesOf(pieces))).toEqual(plain(whole));
  }
  vi.unstubAllEnvs();
  return whole;
}

function rowsIn(lines: readonly string[]): number {
  let count = 0;
  for (const event of new EventReader().events(Buffer.from(lines.join('\n'))))
    if (event.type === 'rows') count += (event.to - event.from) / widthOf(event);
  return count;
}

const step = (seq: number, metrics: string, at = seq) =>
  `{"payload":{"metrics":{${metrics}}},"rank":0,"seq":${seq},"step":${at},"timeUs":${1e6 * seq},"type":"step","v":2}`;

describeWithAddon('lines of steps', () => {
  test('all steps but the first of a form come as rows', () => {
    const lines = [...eventLines(500)].map((line) => line.trimEnd());
    expect(bothWays(lines).steps.length).toBe(500);
    expect(rowsIn(lines)).toBe(499);
  });

  test('metrics that come and go, that are null, or change their order', () => {
    const lines = Array.from({ length: 60 }, (_, k) => {
      const loss = k % 5 === 2 ? 'null' : k / 7;
      const more = k % 3 === 0 ? `,"memory_bytes":${k}` : '';
      return step(
        k,
        k % 11 === 10 ? `"tokens":8,"loss":${loss}` : `"loss":${loss},"epoch":0.${k},"tokens":7${more}`,
      );
    });
    expect(bothWays(lines).steps.length).toBe(60);
    expect(rowsIn(lines)).toBe(57);
  });

  test('a step that was trained again, a resume, and events that were seen', () => {
    const started = (seq: number, from: number) =>
      `{"payload":{"attempt":1,"device":"cpu","eval_rows":0,"resumed_from_step":${from},"threads":1,"total_steps":90,"train_rows":10,"trainable_params":1,"total_params":2},"rank":0,"seq":${seq},"step":${from},"timeUs":${1e6 * seq},"type":"started","v":2}`;
    const steps = (seq: number, at: number, count: number) =>
      Array.from({ length: count }, (_, k) => step(seq + k, `"loss":${seq + k}.25,"epoch":0.5`, at + k));
    const lines = [
      started(0, 0),
      ...steps(1, 1, 20),
      ...steps(21, 15, 3),
      started(24, 10),
      ...steps(25, 11, 8),
      ...steps(25, 11, 2),
    ];
    expect(bothWays(lines).steps.length).toBe(18);
  });

  test('lines that only look like the form', () => {
    const good = step(1, '"loss":1.5,"tokens":7');
    const others = [
      step(2, '"loss":1.5,"tokens":07'),
      step(3, '"loss":"x","tokens":7'),
      step(4, '"loss":1.5,"loss":2.5,"tokens":7'),
      step(5, '"loss":1.5,"tokens":7').slice(0, -1),
      `${step(6, '"loss":1.5,"tokens":7')}}`,
      `${step(7, '"loss":1.5,"tokens":7')} `,
      step(8, '"loss":1.5,"tokens":7').replace('"seq":8', '"seq":8.5'),
      step(9, '"loss":1.5,"tokens":7').replace('"rank":0', '"rank":1'),
      step(10, '"loss":1.5,"tokens":7').replace('"v":2', '"v":3'),
      step(11, '"loss":1.5,"tokens":7').replace('"step":11', '"step":-1'),
      `${step(12, '"loss":1').slice(0, 30)}${step(12, '"loss":2.5,"tokens":7')}`,
      step(13, '"loss":1.5,"tokens":nul'),
      step(14, '"loss":1.5,"tokens":nullx'),
      step(15, '"2":1.5,"1":7'),
      step(16, '"a\\"b":1.5,"loss":7'),
      step(17, '"loss":1.5').replace('"rank":0', '"rank":0,"more":{"a":{"loss":3}}'),
      `{"v":1,"rank":0,"seq":18,"timeUs":5,"step":18,"type":"step","payload":{"loss":2.5}}`,
    ];
    for (const first of [good, ...others])
      for (const second of others) bothWays([first, second, good.replace('"seq":1', '"seq":99')]);
  });

  test('bytes changed at random', () => {
    const next = uniform(3);
    const sound = [...eventLines(40)].join('');
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(sound);
      for (let k = 0; k < 12; k++)
        bytes[Math.floor(next() * bytes.length)] = '0123456789.-eE{}[]",:\n nul'.charCodeAt(
          Math.floor(next() * 26),
        );
      const lines = bytes.toString().split('\n');
      expect(plain(seriesOf([bytes]))).toEqual(plain(reduceLines(emptySeries, lines)));
    }
  });

  /** Each as a loss between two others, so that it is read by the form; undefined: its line was none. */
  function readNumbers(texts: readonly string[]): (number | undefined)[] {
    const lines = [step(1, '"loss":1'), ...texts.map((text, k) => step(2 + k, `"loss":${text}`))];
    const { steps } = seriesOf([Buffer.from(lines.join('\n'))]);
    const byStep = new Map([...steps.axis('step')].map((at, row) => [at, steps.at('loss', row)]));
    return texts.map((_, k) => byStep.get(2 + k));
  }

  function parsed(text: string): number | undefined {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  function differing(texts: readonly string[]): string[] {
    const read = readNumbers(texts);
    return texts.filter((text, k) => !Object.is(read[k], parsed(text))).slice(0, 5);
  }

  test('numbers are those of JSON.parse, to the bit, and nothing else is one', () => {
    const texts =
      '0 -0 -0.0 1 -1 10 01 -01 00 1. .5 -.5 1.5 1.50 -1.25e3 1e5 1E5 1e+5 1e-5 1e 1e+ - e5 1.e5 0.0 0.1 0e0 1..2 1.2.3 +1 NaN 1e400 -1e400 1e-400 5e-324 2.2250738585072014e-308 9007199254740993 123456789012345678901234567890 0.000030000000000000004 4e-8 1e22 1e23 1.7976931348623157e308 0.1e-30 1e-23 999999999999999999 9999999999999999999 4.35 0.3 2.675 9007199254740992.5 9007199254740993.5 1.00000000000000011102230246251565 1e00000000000000000000000005';
    expect(differing(texts.split(' '))).toEqual([]);
    expect(readNumbers(['9007199254740993'])).toEqual([9007199254740992]); // a tie: to the even one
  });

  test('drawn numbers of every size and length, and those halfway between two doubles', () => {
    const next = uniform(7);
    const bits = new DataView(new ArrayBuffer(8));
    const texts: string[] = [];
    const digits = (count: number) =>
      Array.from({ length: count }, () => Math.floor(next() * 10)).join('') || '0';
    for (let k = 0; k < 10_000; k++) {
      bits.setUint32(0, Math.floor(next() * 2 ** 32));
      bits.setUint32(4, Math.floor(next() * 2 ** 32));
      const any = bits.getFloat64(0);
      if (Number.isFinite(any)) texts.push(String(any), any.toExponential(Math.floor(next() * 18)));
      texts.push(String(next()), String(Math.fround(next())), String(next() * 10 ** Math.floor(next() * 16)));
      texts.push(`${1 + Math.floor(next() * 9)}${digits(next() * 20)}.${digits(1 + next() * 22)}`);
      texts.push(`0.${digits(1 + next() * 24)}e${Math.floor(next() * 60) - 30}`);
      // 2^53 + an odd number lies between two doubles; with what follows the point it is not quite there.
      const odd = 2n ** 53n + 2n * BigInt(Math.floor(next() * 2 ** 50)) + 1n;
      for (const end of ['', '.0', '.001', 'e-5', 'e-20', 'e2']) texts.push(`${odd}${end}`);
      const tie = (Math.floor(next() * 2 ** 40) + 0.5) / 2 ** 12;
      texts.push(String(tie), `${tie}1`, `${tie}00001`);
    }
    expect(differing(texts)).toEqual([]);
  });

  test('a piece that ends in the middle of a number, or before its rows have room', () => {
    const lines = Array.from({ length: 5_000 }, (_, k) => step(k, `"a":${k},"b":${k},"c":${k}.5`));
    const text = lines.join('\n');
    expect(bothWays(lines).steps.length).toBe(5_000);
    for (const cut of [1, 2, 20, 40])
      expect(seriesOf([Buffer.from(text.slice(0, -cut))]).steps.length).toBe(4_999);
  });
});
