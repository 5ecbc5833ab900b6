/** The forecast of a run's time: modelled steps, corrected by what this machine has measured. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MeasuredRun, MeasuredRuns } from '../../../electron/server/runs/measured.ts';
import { measuredFactor, runTime } from '../../../electron/server/spec/run-time.ts';
import { type RunSpec, runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-time-'));
  for (const model of ['a', 'b']) {
    mkdirSync(join(folder, model));
    writeFileSync(join(folder, model, 'config.json'), '{}');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const spec = (model: string, change: object = {}): RunSpec =>
  runSpecSchema.parse({
    model: join(folder, model),
    dataset: { train: '/d', mapping: { kind: 'prompt_answer', prompt: 'p', answer: 'a' } },
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
    batch: { micro_batch_size: 4, grad_accum_steps: 2, seq_len: 512 },
    ...change,
  });
/** A second for every 1,000 tokens of a step. */
const modelled = (_: string, { batch }: RunSpec) =>
  (batch.micro_batch_size * batch.grad_accum_steps * batch.seq_len) / 1000;
const run = (of: RunSpec, stepSeconds: number, tokensPerStep = 800): MeasuredRun => ({
  spec: of,
  stepSeconds,
  tokensPerStep,
});

describe('the measured factor', () => {
  it('is measured over modelled seconds, of real tokens', () => {
    // 800 tokens of 8 sequences are modelled as 0.8 s.
    expect(measuredFactor(spec('a'), [run(spec('a'), 2.4)], modelled)).toEqual({
      factor: expect.closeTo(3, 9),
      runs: 1,
    });
  });

  it('is the median of the runs that are most alike', () => {
    const runs = [
      run(spec('b'), 80),
      run(spec('a'), 0.8),
      run(spec('a'), 1.6),
      run(spec('a'), 8),
      run(spec('a', { precision: 'fp32' }), 80),
    ];
    expect(measuredFactor(spec('a'), runs, modelled)).toEqual({ factor: 2, runs: 3 });
  });

  it('is none without a run on the same device, or when their models are gone', () => {
    expect(measuredFactor(spec('a', { device: 'cuda' }), [run(spec('a'), 1)], modelled)).toBeNull();
    expect(measuredFactor(spec('a'), [run(spec('gone'), 1)], modelled)).toBeNull();
  });
});

describe('the time of a run', () => {
  const work = { spec: spec('a'), configJson: '{}', tokensPerSequence: 100, totalSteps: 10, evalRows: 24 };

  it('is that of its steps and of two evaluations, a third of training each', () => {
    // 10 steps of 0.8 s; an evaluation of 24 rows computes as much as 3 steps' forward passes.
    expect(runTime(work, [], modelled)).toEqual({
      seconds: expect.closeTo(8 + 2 * 0.8, 9),
      stepSeconds: expect.closeTo(0.8, 9),
      measuredRuns: 0,
    });
  });

  it('counts evaluations in between, and follows what was measured', () => {
    const often = { ...work, spec: spec('a', { evaluation: { every_steps: 4 } }) };
    const { seconds, measuredRuns } = runTime(often, [run(spec('a'), 1.6)], modelled);
    expect(seconds).toBeCloseTo(2 * (8 + 4 * 0.8), 9);
    expect(measuredRuns).toBe(1);
  });

  it('is open while the number of steps is', () => {
    expect(runTime({ ...work, totalSteps: null }, [], modelled).seconds).toBeNull();
  });
});

describe('runs on disk', () => {
  const event = (step: number, seconds: number) =>
    `${JSON.stringify({ v: 2, rank: 0, seq: step, timeUs: 0, step, type: 'step', payload: { metrics: { loss: 1, tokens: 100, step_seconds: seconds } } })}\n`;
  function write(home: string, id: string, seconds: number[], cpu: string | undefined) {
    const dir = join(home, 'runs', id);
    mkdirSync(join(dir, 'events'), { recursive: true });
    writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec('a')));
    writeFileSync(join(dir, 'environment.json'), JSON.stringify({ cpu: { model: cpu } }));
    writeFileSync(
      join(dir, 'events/rank-000.jsonl'),
      `torn"type":"step"\n${seconds.map((s, i) => event(i + 1, s)).join('')}{"type":"step","ste`,
    );
    return join(dir, 'events/rank-000.jsonl');
  }

  it('give the median of their steps, the newest first, and are read again when they grow', () => {
    const home = join(folder, 'home');
    const here = cpus()[0]?.model;
    write(home, '20260101-a', [9, 1, 2, 3, 9], here);
    const live = write(home, '20260102-b', [9, 5, 5, 5, 5], here);
    write(home, '20260103-short', [1, 1, 1], here);
    write(home, '20260104-elsewhere', [1, 1, 1, 1, 1, 1], 'another processor');
    const runs = new MeasuredRuns(home);
    expect(runs.list().map(({ stepSeconds }) => stepSeconds)).toEqual([5, 3]);
    expect(runs.list()[0]?.tokensPerStep).toBe(100);
    writeFileSync(live, `${[6, 7, 7, 7, 7].map((s, i) => event(i + 6, s)).join('')}`);
    expect(runs.list()[0]?.stepSeconds).toBe(7);
  });

  it('are none in a fresh library', () => {
    expect(new MeasuredRuns(join(folder, 'nothing')).list()).toEqual([]);
  });
});
