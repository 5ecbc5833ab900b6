/** Steps read by their form give the series that their lines give, whatever stands between them. */
import { expect, test } from 'vitest';
import { eventsIn } from '../../../electron/server/runs/event-reader.ts';
import { axes, type Points } from '../../../electron/shared/runs/points.ts';
import {
  emptySeries,
  type RunSeries,
  reduceChecked,
  reduceLines,
} from '../../../electron/shared/runs/series.ts';
import { uniform } from '../../../electron/shared/spec/uniform.ts';
import { eventLines } from '../../bench/fabricate.ts';

const columns = (points: Points) => ({
  axes: axes.map((name) => [...points.axis(name)]),
  metrics: points.names.map((name) => [name, ...points.metric(name)]),
});
const plain = ({ steps, evals, ...rest }: RunSeries) => ({
  ...rest,
  steps: columns(steps),
  evals: Object.entries(evals).map(([set, points]) => [set, columns(points)]),
});

/** The series of the lines, which bytes must give as well; in pieces too. */
function bothWays(lines: readonly string[]): RunSeries {
  const whole = reduceLines(emptySeries, lines);
  expect(plain(reduceChecked(emptySeries, eventsIn(Buffer.from(lines.join('\n')))))).toEqual(plain(whole));
  let series = emptySeries;
  for (let from = 0; from < lines.length; from += 7)
    series = reduceChecked(series, eventsIn(Buffer.from(lines.slice(from, from + 7).join('\n'))));
  expect(plain(series)).toEqual(plain(whole));
  return whole;
}

const rowsIn = (lines: readonly string[]) =>
  [...eventsIn(Buffer.from(lines.join('\n')))].filter(({ type }) => type === 'row').length;

const step = (seq: number, metrics: string, at = seq) =>
  `{"payload":{"metrics":{${metrics}}},"rank":0,"seq":${seq},"step":${at},"timeUs":${1e6 * seq},"type":"step","v":2}`;

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
    expect(plain(reduceChecked(emptySeries, eventsIn(bytes)))).toEqual(
      plain(reduceLines(emptySeries, lines)),
    );
  }
});
