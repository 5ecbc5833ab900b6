/** The text model out of folders of several modalities that transformers wrote: computed, trained, and merged as a folder of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../electron/server/native/addon.ts';
import { compareLogits, randomDocuments, readLogits } from '../support/logits.ts';
import { referencePython, runPython } from '../support/python.ts';
import { makeRun, rank, train } from '../support/rank.ts';
import { readSafetensorsBytes } from '../support/safetensors.ts';

const { python, skip } = await referencePython();
const TOKENS = 96;
const models = [
  ['gemma3', 'Gemma3ForCausalLM'],
  ['mistral3', 'MistralForCausalLM'],
] as const;

describe.skipIf(skip)('models of several modalities', () => {
  const folder = mkdtempSync(join(tmpdir(), 'collie-multimodal-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const ids = join(folder, 'ids.json');
  const place = (name: string, ...names: string[]) => join(folder, name, ...names);
  const script = (name: string, ...args: string[]) =>
    runPython(python as string, [join(import.meta.dirname, name), ...args]);
  const ours = (name: string, ...args: string[]) => {
    const out = place(name, 'ours.f32');
    rank('logits', ...args, '--ids', ids, '--out', out, '--precision', 'fp32', '--threads', '1');
    return readLogits(out);
  };

  beforeAll(() => {
    writeFileSync(ids, JSON.stringify(randomDocuments(5, 99, TOKENS).map((document) => document.ids)));
    script('multimodal.py', folder, ids);
  });

  it.each(models)('%s: the logits of texts', (name) => {
    const { difference } = compareLogits(
      ours(name, '--model', place(name, 'model')),
      readLogits(place(name, 'theirs.f32')),
      TOKENS,
    );
    expect(difference).toBeLessThanOrEqual(1e-4);
  });

  it.each(models)('%s: its card says that the text model alone is trained', async (name, architecture) => {
    const summary = await native((addon) => addon.modelSummary(place(name, 'model')));
    expect(summary).toMatchObject({ architecture, layers: 6, unusedTensors: [] });
    expect(summary.limits.at(-1)).toMatch(/sees or hears too, with \d+ tensors/);
  });

  it.each(models)(
    '%s: a merged export is a folder of the text model, which transformers loads',
    async (name, architecture) => {
      const run = makeRun(
        place(name, 'run'),
        place(name, 'model'),
        {
          method: { type: 'lora', rank: 4, alpha: 8 },
          optimizer: { type: 'adamw', learning_rate: 0.01 },
          batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: 64 },
          duration: { unit: 'steps', value: 6 },
          precision: 'fp32',
          threads: 1,
        },
        randomDocuments(24, 7, TOKENS),
      );
      const saved = (await train(run)).findLast((event) => event.type === 'checkpoint');
      if (saved?.type !== 'checkpoint') throw new Error('the run wrote no checkpoint');
      const merged = place(name, 'merged');
      rank('export', '--run', run, '--checkpoint', saved.payload.name, '--kind', 'merged', '--out', merged);
      const config = JSON.parse(readFileSync(join(merged, 'config.json'), 'utf8'));
      expect(config.architectures).toEqual([architecture]);
      expect(config).not.toHaveProperty('vision_config');
      for (const tensor of readSafetensorsBytes(join(merged, 'model.safetensors')).keys())
        expect(tensor).toMatch(/^(model\.(layers|embed_tokens|norm)\b|lm_head\.)/);
      const out = place(name, 'merged.f32');
      writeFileSync(place(name, 'jobs.json'), JSON.stringify([{ model: merged, adapter: null, ids, out }]));
      script('logits.py', place(name, 'jobs.json'));
      const { difference } = compareLogits(ours(name, '--model', merged), readLogits(out), TOKENS);
      expect(difference).toBeLessThanOrEqual(1e-4);
      const moved = compareLogits(readLogits(out), readLogits(place(name, 'theirs.f32')), TOKENS);
      expect(moved.difference).toBeGreaterThan(0.05);
    },
  );
});
