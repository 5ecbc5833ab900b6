/** What we export, loaded by transformers and PEFT, gives our logits. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { referencePython, runPython } from '../support/python.ts';
import { uniform } from '../support/random.ts';
import { makeRun, rank, type SpecPatch, train } from '../support/rank.ts';
import { readSafetensorsHeader } from '../support/safetensors.ts';
import { makeTinyModel, TINY_VOCAB, type TinyModelOptions } from '../support/tiny-model.ts';
import type { TokenDocument } from '../support/token-store.ts';

const { python, skip } = await referencePython();
const script = join(import.meta.dirname, 'logits.py');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-reference-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function randomDocuments(count: number, seed: number): TokenDocument[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const length = 8 + Math.floor(next() * 40);
    const ids = Array.from({ length }, () => 3 + Math.floor(next() * 500));
    return { ids, mask: ids.map((_, i) => (i < 4 ? 0 : 1)) };
  });
}

const readLogits = (path: string) => {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};

/** Largest difference, and the share of positions with the same most likely token. */
function compare(
  ours: Float32Array,
  theirs: Float32Array,
): { difference: number; sameChoice: number; largest: number } {
  expect(ours.length).toBe(theirs.length);
  expect(ours.length).toBeGreaterThan(0);
  let [difference, largest, same] = [0, 0, 0];
  for (let row = 0; row < ours.length; row += TINY_VOCAB) {
    let [best, otherBest] = [row, row];
    for (let i = row; i < row + TINY_VOCAB; i++) {
      const [a, b] = [ours[i] as number, theirs[i] as number];
      if (Number.isNaN(a) || Number.isNaN(b)) throw new Error(`NaN at ${i}`);
      difference = Math.max(difference, Math.abs(a - b));
      largest = Math.max(largest, Math.abs(b));
      if (a > (ours[best] as number)) best = i;
      if (b > (theirs[otherBest] as number)) otherBest = i;
    }
    if (best === otherBest) same++;
  }
  return { difference, sameChoice: same / (ours.length / TINY_VOCAB), largest };
}

interface Case {
  name: string;
  model: Partial<TinyModelOptions>;
  spec: SpecPatch;
}

const adamw = { type: 'adamw', learning_rate: 0.01 } as const;
const common: SpecPatch = {
  optimizer: adamw,
  batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: 64 },
  duration: { unit: 'steps', value: 8 },
  threads: 1,
};

const adapters: Case[] = [
  {
    name: 'all linear layers, tied embeddings, fp32',
    model: { dtype: 'F32' },
    spec: { ...common, method: { type: 'lora', rank: 8, alpha: 24 }, precision: 'fp32' },
  },
  {
    name: 'attention only, own head, odd rank, fp32',
    model: { dtype: 'F32', tied: false, seed: 3, layers: 3 },
    spec: {
      ...common,
      method: { type: 'lora', rank: 5, alpha: 7, target_modules: ['q_proj', 'v_proj', 'o_proj'] },
      precision: 'fp32',
    },
  },
  {
    name: 'bf16 base, trained in bf16',
    model: { dtype: 'BF16', seed: 4 },
    spec: { ...common, method: { type: 'lora', rank: 8, alpha: 16, dropout: 0.1 }, precision: 'bf16' },
  },
];

describe.skipIf(skip)('exports', () => {
  let ids: string;
  let runs = 0;
  beforeAll(() => {
    ids = join(folder, 'ids.json');
    writeFileSync(ids, JSON.stringify(randomDocuments(5, 99).map((document) => document.ids)));
  });

  const ours = (...args: string[]) => {
    const out = join(folder, 'ours.f32');
    rank('logits', ...args, '--ids', ids, '--out', out, '--precision', 'fp32', '--threads', '1');
    return readLogits(out);
  };
  const theirs = (...args: string[]) => {
    const out = join(folder, 'theirs.f32');
    runPython(python ?? '', [script, ...args, '--ids', ids, '--out', out]);
    return readLogits(out);
  };

  async function trainedRun({ model, spec }: Case) {
    const place = join(folder, `case-${runs++}`);
    const modelFolder = makeTinyModel(join(place, 'model'), model);
    const run = makeRun(join(place, 'run'), modelFolder, spec, randomDocuments(24, 7));
    const events = await train(run);
    const checkpoint = events.findLast((event) => event.type === 'checkpoint');
    if (checkpoint?.type !== 'checkpoint') throw new Error('the run wrote no checkpoint');
    const losses = events.flatMap((event) => (event.type === 'step' ? [event.payload.loss] : []));
    expect(losses.at(-1), `losses ${losses}`).toBeLessThan(losses[0] as number);
    const exported = (kind: 'adapter' | 'merged') => {
      const out = join(place, kind);
      rank('export', '--run', run, '--checkpoint', checkpoint.payload.name, '--kind', kind, '--out', out);
      return out;
    };
    return { modelFolder, run, checkpoint: checkpoint.payload.name, exported };
  }

  it.each(adapters)('adapter: $name', async (wanted) => {
    const { modelFolder, run, checkpoint, exported } = await trainedRun(wanted);
    const base = compare(ours('--model', modelFolder), theirs('--model', modelFolder));
    expect(base.difference).toBeLessThanOrEqual(1e-4);

    const adapter = exported('adapter');
    const config = JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8'));
    expect(config.peft_type).toBe('LORA');
    const tuned = ours('--model', modelFolder, '--run', run, '--checkpoint', checkpoint);
    const judged = theirs('--model', modelFolder, '--adapter', adapter);
    const result = compare(tuned, judged);
    expect(result.difference).toBeLessThanOrEqual(1e-4);
    // The adapter does something: without it the logits are elsewhere.
    expect(compare(judged, theirs('--model', modelFolder)).difference).toBeGreaterThan(0.05);
  });

  it.each(adapters)('merged: $name', async (wanted) => {
    const { modelFolder, run, checkpoint, exported } = await trainedRun(wanted);
    const merged = exported('merged');
    expect(existsSync(join(merged, 'config.json'))).toBe(true);
    const shapes = readSafetensorsHeader(join(merged, 'model.safetensors'));
    expect(Object.keys(shapes)).toEqual(
      expect.arrayContaining(['model.embed_tokens.weight', 'model.norm.weight']),
    );
    const judged = theirs('--model', merged);
    // The same file on both sides: equal up to fp32 rounding.
    expect(compare(ours('--model', merged), judged).difference).toBeLessThanOrEqual(1e-4);
    // Against base + adapter: bf16 keeps 8 bits of each merged weight, about 0.4 % of it.
    const tuned = ours('--model', modelFolder, '--run', run, '--checkpoint', checkpoint);
    const { difference, largest, sameChoice } = compare(tuned, judged);
    expect(difference).toBeLessThanOrEqual(0.04 * largest);
    expect(sameChoice).toBeGreaterThan(0.9);
  });

  it('full fine-tuning: the exported model is the trained one', async () => {
    const { run, checkpoint, exported, modelFolder } = await trainedRun({
      name: 'full',
      model: { dtype: 'F32', seed: 8 },
      spec: {
        ...common,
        method: { type: 'full' },
        optimizer: { ...adamw, learning_rate: 0.003 },
        precision: 'fp32',
      },
    });
    const judged = theirs('--model', exported('merged'));
    const tuned = ours('--model', modelFolder, '--run', run, '--checkpoint', checkpoint);
    const { difference, largest } = compare(tuned, judged);
    expect(difference).toBeLessThanOrEqual(0.04 * largest);
    expect(compare(judged, theirs('--model', modelFolder)).difference).toBeGreaterThan(0.05);
  });
});
