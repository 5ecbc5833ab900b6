/** What we export, loaded by transformers and PEFT, gives our logits. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportRefusal } from '../../electron/shared/spec/method-traits.ts';
import { compareLogits, randomDocuments, readLogits } from '../support/logits.ts';
import { referencePython, runPython } from '../support/python.ts';
import { makeRun, rank, type SpecPatch, train } from '../support/rank.ts';
import { readSafetensorsHeader } from '../support/safetensors.ts';
import { makeTinyModel, TINY_VOCAB, type TinyModelOptions } from '../support/tiny-model.ts';

const { python, skip } = await referencePython();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-reference-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const compare = (ours: Float32Array, theirs: Float32Array) => compareLogits(ours, theirs, TINY_VOCAB);

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

/** Every other method on linear layers: its adapter in PEFT's words, merged where it can be. */
const methods: Case[] = [
  {
    name: 'LoRA, rank-stabilized, of patterns, with tied embeddings and norms',
    model: { dtype: 'F32', seed: 11 },
    spec: {
      ...common,
      method: {
        type: 'lora',
        rank: 4,
        alpha: 8,
        scaling: 'rank_stabilized',
        lr_ratio: 4,
        target_modules: ['layers.0.self_attn.*_proj', 'layers.1.mlp.up_proj'],
        modules_to_save: ['embed_tokens', 'norm', 'input_layernorm'],
      },
      precision: 'fp32',
    },
  },
  {
    name: 'DoRA',
    model: { dtype: 'F32', seed: 12 },
    spec: { ...common, method: { type: 'dora', rank: 4, alpha: 8 }, precision: 'fp32' },
  },
  {
    name: 'PiSSA',
    model: { dtype: 'F32', seed: 13 },
    spec: { ...common, method: { type: 'pissa', rank: 4, alpha: 4 }, precision: 'fp32' },
  },
  {
    name: 'AdaLoRA',
    model: { dtype: 'F32', seed: 14 },
    spec: {
      ...common,
      method: {
        type: 'adalora',
        init_rank: 6,
        target_rank: 3,
        start_ratio: 0.2,
        end_ratio: 0.3,
        interval: 2,
      },
      precision: 'fp32',
    },
  },
  {
    name: 'IA3',
    model: { dtype: 'F32', seed: 15 },
    spec: {
      ...common,
      method: {
        type: 'ia3',
        target_modules: ['v_proj', 'up_proj', '*.down_proj'],
        feedforward_modules: ['down_proj'],
      },
      precision: 'fp32',
    },
  },
];

/** PEFT does not have it. How we read what is merged is tested by tests/engine/export.test.ts. */
const bitfit: Case = {
  name: 'BitFit',
  model: { dtype: 'F32', seed: 16 },
  spec: { ...common, method: { type: 'bitfit' }, precision: 'fp32' },
};

/** What stays outside of the weights: an adapter, and nothing to merge. */
const prompts: Case[] = (['prompt_tuning', 'prefix_tuning', 'p_tuning'] as const).map((type, index) => ({
  name: type,
  model: { dtype: 'F32', seed: 17 + index },
  spec: {
    ...common,
    optimizer: { ...adamw, learning_rate: 0.1 },
    method: { type, virtual_tokens: 5 },
    precision: 'fp32',
  },
}));

const peftTypes: Partial<Record<string, string>> = {
  lora: 'LORA',
  dora: 'LORA',
  pissa: 'LORA',
  adalora: 'ADALORA',
  ia3: 'IA3',
  prompt_tuning: 'PROMPT_TUNING',
  prefix_tuning: 'PREFIX_TUNING',
  p_tuning: 'P_TUNING',
};

const full: Case = {
  name: 'full fine-tuning, fp32',
  model: { dtype: 'F32', seed: 8 },
  spec: {
    ...common,
    method: { type: 'full' },
    optimizer: { ...adamw, learning_rate: 0.003 },
    precision: 'fp32',
  },
};

/** Logits of one case: ours (base, tuned, and our reading of the merged folder), and those of transformers + PEFT. */
interface Verdicts {
  place: string;
  ours: Record<'base' | 'tuned' | 'merged', Float32Array>;
  theirs: Record<'base' | 'adapter' | 'merged', Float32Array>;
}

interface Job {
  model: string;
  adapter: string | null;
  ids: string;
  out: string;
}

describe.skipIf(skip)('exports', () => {
  const verdicts = new Map<string, Verdicts>();
  let ids: string;

  /** Trains, exports, and asks our side; returns what the other side is to compute. */
  async function prepare({ name, model, spec }: Case, index: number): Promise<Job[]> {
    const place = join(folder, `case-${index}`);
    const modelFolder = makeTinyModel(join(place, 'model'), model);
    const run = makeRun(join(place, 'run'), modelFolder, spec, randomDocuments(24, 7, 503));
    const events = await train(run);
    const saved = events.findLast((event) => event.type === 'checkpoint');
    if (saved?.type !== 'checkpoint') throw new Error('the run wrote no checkpoint');
    const checkpoint = saved.payload.name;
    const exported = (kind: 'adapter' | 'merged') => {
      rank('export', '--run', run, '--checkpoint', checkpoint, '--kind', kind, '--out', join(place, kind));
      return join(place, kind);
    };
    const mergeable = exportRefusal(spec.method?.type ?? 'lora', 'merged') === null;
    const merged = mergeable ? exported('merged') : null;
    const adapter = peftTypes[spec.method?.type ?? ''] ? exported('adapter') : null;
    const ours = (...args: string[]) => {
      const out = join(place, 'ours.f32');
      rank('logits', ...args, '--ids', ids, '--out', out, '--precision', 'fp32', '--threads', '1');
      return readLogits(out);
    };
    verdicts.set(name, {
      place,
      ours: {
        base: ours('--model', modelFolder),
        tuned: ours('--model', modelFolder, '--run', run, '--checkpoint', checkpoint),
        merged:
          merged === null || spec.method?.type === 'bitfit' ? new Float32Array() : ours('--model', merged),
      },
      theirs: { base: new Float32Array(), adapter: new Float32Array(), merged: new Float32Array() },
    });
    const job = (what: string, target: string, peft: string | null = null): Job => ({
      model: target,
      adapter: peft,
      ids,
      out: join(place, `${what}.f32`),
    });
    const jobs = [job('base', modelFolder), ...(merged === null ? [] : [job('merged', merged)])];
    return adapter === null ? jobs : [...jobs, job('adapter', modelFolder, adapter)];
  }

  // One Python process for all cases: loading torch takes longer than everything else.
  beforeAll(async () => {
    ids = join(folder, 'ids.json');
    writeFileSync(ids, JSON.stringify(randomDocuments(5, 99, 503).map((document) => document.ids)));
    const jobs: Job[] = [];
    for (const [index, wanted] of [...adapters, ...methods, ...prompts, bitfit, full].entries())
      jobs.push(...(await prepare(wanted, index)));
    const list = join(folder, 'jobs.json');
    writeFileSync(list, JSON.stringify(jobs));
    runPython(python ?? '', [join(import.meta.dirname, 'logits.py'), list]);
    for (const { place, theirs } of verdicts.values())
      for (const what of ['base', 'adapter', 'merged'] as const)
        if (existsSync(join(place, `${what}.f32`))) theirs[what] = readLogits(join(place, `${what}.f32`));
  });

  const of = (wanted: Case): Verdicts => {
    const found = verdicts.get(wanted.name);
    if (!found) throw new Error(`nothing was computed for ${wanted.name}`);
    return found;
  };

  // Losses fall in tests/engine/every-method.test.ts; eight steps are for weights that are not those of the start.
  it.each([...adapters, ...methods, ...prompts, bitfit, full])(
    '$name: starts from the same base',
    (wanted) => {
      const { ours, theirs } = of(wanted);
      expect(compare(ours.base, theirs.base).difference).toBeLessThanOrEqual(1e-4);
    },
  );

  it.each([...adapters, ...methods, ...prompts])(
    '$name: PEFT loads the adapter and gives our logits',
    (wanted) => {
      const { place, ours, theirs } = of(wanted);
      const config = JSON.parse(readFileSync(join(place, 'adapter/adapter_config.json'), 'utf8'));
      expect(config.peft_type).toBe(peftTypes[wanted.spec.method?.type ?? '']);
      expect(compare(ours.tuned, theirs.adapter).difference).toBeLessThanOrEqual(1e-4);
      // The adapter does something: without it the logits are elsewhere.
      expect(compare(theirs.adapter, theirs.base).difference).toBeGreaterThan(
        wanted.spec.method?.type === 'ia3' ? 0.005 : 0.05,
      );
    },
  );

  it.each([...adapters, ...methods, bitfit, full])(
    '$name: transformers loads the merged folder and gives our logits',
    (wanted) => {
      const { place, ours, theirs } = of(wanted);
      const names = Object.keys(readSafetensorsHeader(join(place, 'merged/model.safetensors')));
      expect(names).toEqual(expect.arrayContaining(['model.embed_tokens.weight', 'model.norm.weight']));
      // The same file on both sides: equal up to fp32 rounding.
      if (ours.merged.length > 0)
        expect(compare(ours.merged, theirs.merged).difference).toBeLessThanOrEqual(1e-4);
      // Against base + adapter: bf16 keeps 8 bits of each merged weight, an error of up to 0.4 % of it.
      const { difference, largest, sameChoice } = compare(ours.tuned, theirs.merged);
      expect(difference).toBeLessThanOrEqual(wanted.spec.precision === 'fp32' ? 1e-4 : 0.04 * largest);
      expect(sameChoice).toBeGreaterThan(0.9);
      expect(compare(theirs.merged, theirs.base).difference).toBeGreaterThan(0.005);
    },
  );
});
