/** Timelines of a step from the events of all ranks, read from the end. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linesBackwards, readTimeline } from '../../../electron/server/runs/timeline.ts';
import { eventsFile } from '../../../electron/shared/runs/run-folder.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'collie-timeline-'));
  mkdirSync(join(dir, 'events'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('lines from the end', () => {
  const text = 'first\nsecond, größer\n\nthird\ntorn';
  it.each([1, 2, 3, 7, 1000])('whole lines only, whatever the pieces (%i bytes)', (chunk) => {
    const path = join(dir, 'lines');
    writeFileSync(path, text);
    expect([...linesBackwards(path, chunk)]).toEqual(['third', 'second, größer', 'first']);
    expect([...linesBackwards(join(dir, 'none'), chunk)]).toEqual([]);
  });
});

const span = (begin_us: number) => ({
  kind: 'forward',
  micro_batch: 0,
  chunk: 0,
  begin_us,
  end_us: begin_us + 5,
});
let seq = 0;
function write(rank: number, step: number, begin: number) {
  const event = (type: string, payload: object) =>
    `${JSON.stringify({ v: 1, rank, seq: seq++, timeUs: 1, step, type, payload })}\n`;
  const path = join(dir, eventsFile(rank));
  appendFileSync(path, event('timeline', { step_us: 90, spans: [span(begin)] }));
  appendFileSync(path, event('warning', { message: 'the word "timeline" is no timeline' }));
}

describe('the timeline of a step', () => {
  it('is there once all ranks have it', () => {
    for (const step of [1, 2]) for (const rank of [0, 1]) write(rank, step, 10 * step + rank);
    write(0, 3, 30);
    expect(readTimeline(dir, 2, null)).toEqual({
      step: 2,
      newest: 2,
      ranks: [
        { rank: 0, stepUs: 90, spans: [span(20)] },
        { rank: 1, stepUs: 90, spans: [span(21)] },
      ],
    });
    expect(readTimeline(dir, 2, 1)?.ranks[1]?.spans).toEqual([span(11)]);
    expect(readTimeline(dir, 2, 3)).toBeNull();
  });

  it('is of the last time that the step was trained', () => {
    for (const step of [1, 2, 3]) write(0, step, step);
    for (const step of [2, 3, 4]) write(0, step, 100 * step);
    expect(readTimeline(dir, 1, 3)?.ranks[0]?.spans).toEqual([span(300)]);
    expect(readTimeline(dir, 1, 1)?.ranks[0]?.spans).toEqual([span(1)]);
    expect(readTimeline(dir, 1, null)?.step).toBe(4);
  });

  it('is nothing where none was recorded', () => {
    expect(readTimeline(dir, 2, null)).toBeNull();
    writeFileSync(
      join(dir, eventsFile(0)),
      '{"v":1,"rank":0,"seq":0,"timeUs":1,"step":0,"type":"warning","payload":{"message":"x"}}\n',
    );
    expect(readTimeline(dir, 2, null)).toBeNull();
  });
});
