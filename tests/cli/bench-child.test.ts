/** A contestant is a process: its steps are followed, its peak memory is seen, its death is told with its last words. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildCommand, runChild } from '../../electron/cli/bench/child.ts';
import { parseBaseline, parseOurs, prepareCell } from '../../electron/cli/bench/variants.ts';
import { benchModel, rowLengths } from '../../electron/cli/bench/workload.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-bench-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const step = (timeUs: number) => JSON.stringify({ type: 'step', tokens: 100, loss: 2, time_us: timeUs });
const node = (script: string, steps: number): ChildCommand => ({
  title: 'Test',
  program: process.execPath,
  args: ['-e', script],
  env: {},
  steps,
  eventFile: null,
  parse: parseBaseline,
});

describe('runChild', () => {
  it('ends the process once it has its steps', async () => {
    const lines = [1_000_000, 2_000_000, 4_000_000].map(step).join('\n');
    const result = await runChild(
      node(`console.log(${JSON.stringify(lines)}); setInterval(() => {}, 1000)`, 3),
    );
    expect(result.stepSeconds).toEqual([1, 2]);
    expect(result.tokensPerSecond).toBeCloseTo(200 / 3);
  });

  it.runIf(process.platform === 'linux')('sees memory that was given back before the end', async () => {
    const script = `let big = Buffer.alloc(300e6, 1); big = null; globalThis.gc?.();
      setTimeout(() => console.log(${JSON.stringify(`${step(1)}\n${step(2)}`)}), 200); setInterval(() => {}, 1000)`;
    const result = await runChild(node(script, 2));
    expect(result.peakBytes).toBeGreaterThan(300e6);
  });

  it('tells how far it came and what it said last', async () => {
    const script = `console.log(${JSON.stringify(step(1))}); console.error('out of paper'); process.exit(3)`;
    await expect(runChild(node(script, 2))).rejects.toThrow(/code 3 after 1 of 2 steps:[\s\S]*out of paper/);
  });

  it('reads events from a file as well', async () => {
    const file = join(folder, 'events.jsonl');
    const event = (seq: number, timeUs: number) =>
      JSON.stringify({
        v: 1,
        rank: 0,
        seq,
        timeUs,
        step: seq,
        type: 'step',
        payload: {
          loss: 1,
          learning_rate: 1,
          grad_norm: 1,
          epoch: 1,
          tokens: 50,
          target_tokens: 50,
          step_seconds: 1,
          tokens_per_second: 1,
          memory_bytes: 1,
          memory_peak_bytes: 1,
        },
      });
    const text = `${event(0, 0)}\n${event(1, 500_000)}\n`;
    const script = `require('fs').writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(text)}); setInterval(() => {}, 1000)`;
    const result = await runChild({ ...node(script, 2), eventFile: file, parse: parseOurs });
    expect(result.tokensPerSecond).toBeCloseTo(100);
  });
});

describe('workload', () => {
  it('is the same for the same seed and ragged around a median of 170', () => {
    const lengths = rowLengths('ragged', 50, 512, 20, 5);
    expect(lengths).toEqual(rowLengths('ragged', 50, 512, 20, 5));
    expect(lengths).not.toEqual(rowLengths('ragged', 50, 512, 20, 6));
    const sorted = [...lengths].sort((a, b) => a - b);
    expect(sorted[500]).toBeGreaterThan(155);
    expect(sorted[500]).toBeLessThan(185);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(512);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(40);
  });

  it('writes a run folder whose parts fit together', () => {
    const run = join(folder, 'run');
    const shape = { batch: 3, seq: 64, steps: 2, layers: 1, threads: 1 };
    const model = prepareCell(folder, run, { precision: 'fp32', method: 'lora', data: 'unpadded' }, shape, 1);
    const spec = runSpecSchema.parse(JSON.parse(readFileSync(join(run, 'spec.json'), 'utf8')));
    expect(spec.model).toBe(model);
    expect(readFileSync(join(run, 'data/train.ids.u32')).length).toBe(3 * 64 * 4);
    expect(readFileSync(join(run, 'data/train.mask.u8')).length).toBe(3 * 64);
    expect(readFileSync(join(run, 'data/train.offsets.u64')).readBigUInt64LE(24)).toBe(192n);
  });

  it('writes weights as one safetensors file without gaps', () => {
    const bytes = readFileSync(join(benchModel(folder, 1), 'model.safetensors'));
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    delete (header as Record<string, unknown>).__metadata__;
    const spans = Object.values(header).map((tensor) => tensor.data_offsets);
    expect(spans.map(([begin]) => begin)).toEqual([0, ...spans.slice(0, -1).map(([, end]) => end)]);
    expect(8 + length + (spans.at(-1)?.[1] ?? 0)).toBe(bytes.length);
  });
});
