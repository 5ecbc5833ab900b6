import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../electron/shared/runs/events.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import {
  appendReading,
  gpuSeries,
  HISTORY,
} from '../../../renderer/src/features/devices/telemetry-history.ts';
import {
  appendPage,
  emptyLog,
  matchingLines,
  shownLines,
  splitAtHits,
} from '../../../renderer/src/features/monitor/log-lines.ts';
import { sampledSteps, samplesByPrompt } from '../../../renderer/src/features/monitor/samples.ts';
import { flatten, settingGroups } from '../../../renderer/src/features/monitor/settings-rows.ts';
import { statTiles } from '../../../renderer/src/features/monitor/stat-tiles.ts';
import { EventScript } from '../../support/event-script.ts';

describe('the log', () => {
  it('joins what pages cut, and keeps an unfinished line until it is whole', () => {
    let log = appendPage(emptyLog, 'one\r\ntwo\nthr');
    expect(shownLines(log)).toEqual(['one', 'two', 'thr']);
    log = appendPage(log, 'ee\n');
    expect(shownLines(log)).toEqual(['one', 'two', 'three']);
    expect(appendPage(log, '')).toBe(log);
  });
  it('lets the oldest lines go beyond its limit, and counts them', () => {
    let log = appendPage(emptyLog, 'a\nb\nc\n', 3);
    log = appendPage(log, 'd\ne\n', 3);
    expect(shownLines(log)).toEqual(['c', 'd', 'e']);
    expect(log.dropped).toBe(2);
  });
  it('finds text whatever its case, and cuts lines at it', () => {
    expect(matchingLines(['Error: x', 'fine', 'an ERROR'], ' error ')).toEqual([0, 2]);
    expect(matchingLines(['a'], '  ')).toBeNull();
    expect(splitAtHits('an Error, error!', 'error')).toEqual(['an ', 'Error', ', ', 'error', '!']);
  });
});

describe('samples', () => {
  const sample = (step: number, promptIndex: number, text: string): Sample => ({
    step,
    promptIndex,
    prompt: `prompt ${promptIndex}`,
    text,
    finish: 'stop',
  });
  it('groups by prompt, takes the last of a step, drops what a resume has voided', () => {
    const prompts = samplesByPrompt(
      [
        sample(0, 1, 'b0'),
        sample(10, 0, 'old'),
        sample(0, 0, 'a0'),
        sample(10, 0, 'new'),
        sample(20, 0, 'void'),
      ],
      15,
    );
    expect(prompts.map((p) => p.prompt)).toEqual(['prompt 0', 'prompt 1']);
    expect(prompts[0]?.answers.map((a) => a.text)).toEqual(['a0', 'new']);
    expect(sampledSteps(prompts)).toEqual([0, 10]);
  });
});

describe('settings', () => {
  it('shows the fields of the chosen variants in the words of the form', () => {
    const spec = runSpecSchema.parse({
      model: '/models/m',
      dataset: { train: 't', mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
      method: { type: 'full' },
      optimizer: { type: 'adamw', learning_rate: 1e-5 },
    });
    const groups = settingGroups(spec);
    const rows = groups.flatMap((group) => group.rows);
    const row = (path: string) => rows.find((r) => r.path === path);
    expect(row('method.type')?.value).toBe('Full fine-tuning');
    expect(row('method.rank')).toBeUndefined();
    expect(row('optimizer.learning_rate')).toMatchObject({ value: '1e-5', changed: true });
    expect(row('batch.seq_len')).toMatchObject({ value: '512 tokens', changed: false });
    expect(row('dataset.eval')?.value).toBe('none');
    expect(row('activation_checkpointing')?.value).toBe('auto');
    const chosen = settingGroups(spec, 'mlp').flatMap((group) => group.rows);
    expect(chosen.find((r) => r.path === 'activation_checkpointing')?.value).toBe('auto: mlp');
    expect(new Set(rows.map((r) => r.path)).size).toBe(rows.length);
  });
  it('flattens what was recorded', () => {
    expect(flatten({ a: { b: 1, c: [1, 2] }, d: null, e: [{ f: 'x' }] })).toEqual([
      ['a.b', '1'],
      ['a.c', '1, 2'],
      ['d', 'unknown'],
      ['e.0.f', 'x'],
    ]);
  });
});

describe('tiles', () => {
  it('name last and best', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4);
    script.eval(1, 3);
    script.step(2, 2.5);
    script.eval(2, 3.5);
    const run = mockRuns[0];
    if (!run) throw new Error('no mock run');
    const tiles = statTiles(run, reduceEvents(emptySeries, script.events));
    const tile = (label: string) => tiles.find((t) => t.label === label);
    expect(tile('Training loss')).toMatchObject({ value: '2.5', note: 'lowest 2.5' });
    expect(tile('Evaluation loss')).toMatchObject({ value: '3.5', note: 'best 3, step 1' });
    expect(tile('Tokens seen')?.value).toBe('2K');
    // Before the events have come, the status speaks.
    expect(statTiles(run, emptySeries)[0]?.value).toBe('1.24');
  });
});

describe('telemetry', () => {
  const reading = (timeUs: number, util = 0) => ({
    timeUs,
    cpuUtil: 0.5,
    memoryUsedBytes: 1,
    memoryTotalBytes: 2,
    diskFreeBytes: 3,
    gpus: [{ index: 1, util, memoryUsedBytes: 1, memoryTotalBytes: 2, temperatureC: 40, powerW: 100 }],
  });
  it('keeps the last minutes, each reading once', () => {
    let history = appendReading([], reading(1));
    expect(appendReading(history, reading(1))).toBe(history);
    for (let t = 2; t <= 500; t++) history = appendReading(history, reading(t, t / 500));
    expect(history).toHaveLength(HISTORY);
    expect(history.at(-1)?.timeUs).toBe(500);
    expect(gpuSeries(history, 1, (gpu) => gpu.util).at(-1)).toBe(1);
    expect(gpuSeries(history, 0, (gpu) => gpu.util)).toEqual([]);
  });
});
