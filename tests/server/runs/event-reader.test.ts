/** Bytes of an events file give the events that its lines give. */
import { expect, test } from 'vitest';
import { EventReader } from '../../../electron/server/runs/event-reader.ts';
import { emptySeries, reduceChecked, reduceLines } from '../../../electron/shared/runs/series.ts';
import { eventLines } from '../../bench/fabricate.ts';

const read = (text: string) => [...new EventReader().events(Buffer.from(text))];

test('pieces of a file are reduced to the same series as its lines', () => {
  const lines = [...eventLines(300)];
  const text = lines.join('');
  const whole = reduceLines(emptySeries, text.split('\n'));
  const series = reduceChecked(emptySeries, new EventReader().events(Buffer.from(text.trimEnd())));
  expect(series.lastSeq).toBe(whole.lastSeq);
  for (const name of whole.steps.names)
    expect(series.steps.metric(name), name).toEqual(whole.steps.metric(name));
  expect(series.finished).toEqual(whole.finished);
});

test('torn lines, blank ones and what a rank tells of itself are left out', () => {
  const [started = '', own = '', step = ''] = [...eventLines(1)];
  expect(read(started + own + step).map(({ type }) => type)).toEqual(['started', 'step']);
  expect(read(`\n${step.slice(0, 40)}\n\n${step}`).map(({ type }) => type)).toEqual(['step']);
  // Killed in the middle of a write: the next attempt appended to what was left.
  expect(read(`${step.slice(0, 40)}${started}`).map(({ type }) => type)).toEqual(['started']);
  expect(read('')).toEqual([]);
});

test('metrics that are no numbers are left out, those that were not finite are null', () => {
  const line = `{"payload":{"metrics":{"loss":1.5,"note":"x","grad_norm":null}},"rank":0,"seq":3,"step":2,"timeUs":9,"type":"step","v":2}`;
  expect(read(line).map((event) => ('payload' in event ? event.payload : null))).toEqual([
    { metrics: { loss: 1.5, grad_norm: null } },
  ]);
});
