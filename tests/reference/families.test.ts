/**
 * Every model family through training and export: adapters as PEFT reads them, merged folders as transformers reads them, and a model that
 * did not move written back byte for byte. The models are those of tests/fixtures/families.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareLogits, randomDocuments, readLogits } from '../support/logits.ts';
import { referencePython, runPython } from '../support/python.ts';
import { makeRun, rank, type SpecPatch, train } from '../support/rank.ts';
import { readSafetensorsBytes } from '../support/safetensors.ts';

const { python, skip } = await referencePython();
const fixtures = join(import.meta.dirname, '../fixtures/families');
const families = readdirSync(fixtures).sort();
/** transformers has no code of its own for these; their reference is tests/parity/make_remote_fixtures.py. */
const isRemote = (family: string) =>
  'auto_map' in JSON.parse(readFileSync(join(fixtures, family, 'config.json'), 'utf8'));
const native = families.filter((family) => !isRemote(family));
const remote = families.filter(isRemote);
const TOKENS = 96;
/** A dozen processes a family, on a machine that has other work. */
const PREPARATION_MS = 2_400_000;

const common: SpecPatch = {
  batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: 64 },
  duration: { unit: 'steps', value: 6 },
  precision: 'fp32',
  threads: 1,
};
const lora: SpecPatch = {
  ...common,
  method: { type: 'lora', rank: 4, alpha: 8 },
  optimizer: { type: 'adamw', learning_rate: 0.01 },
};
/** Steps so small that no bf16 weight changes. */
const still: SpecPatch = {
  ...common,
  method: { type: 'full' },
  optimizer: { type: 'adamw', learning_rate: 1e-12, weight_decay: 0 },
};

interface Logits {
  ours: Record<'base' | 'tuned' | 'merged', Float32Array>;
  theirs: Record<'base' | 'adapter' | 'merged', Float32Array>;
}

describe.skipIf(skip)('families', () => {
  const folder = mkdtempSync(join(tmpdir(), 'collie-families-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const ids = join(folder, 'ids.json');
  const all = new Map<string, Logits>();

  const place = (family: string, ...names: string[]) => join(folder, family, ...names);
  const ours = (family: string, ...args: string[]) => {
    const out = place(family, 'ours.f32');
    rank('logits', ...args, '--ids', ids, '--out', out, '--precision', 'fp32', '--threads', '1');
    return readLogits(out);
  };

  /** Trains and returns run and checkpoint. */
  async function trained(family: string, name: string, spec: SpecPatch): Promise<string[]> {
    const run = makeRun(place(family, name), place(family, 'model'), spec, randomDocuments(24, 7, TOKENS));
    const saved = (await train(run)).findLast((event) => event.type === 'checkpoint');
    if (saved?.type !== 'checkpoint') throw new Error(`${family}: the run wrote no checkpoint`);
    return ['--run', run, '--checkpoint', saved.payload.name];
  }

  async function prepare(family: string) {
    mkdirSync(place(family, 'model'), { recursive: true });
    for (const name of ['config.json', 'model.safetensors'])
      copyFileSync(join(fixtures, family, name), place(family, 'model', name));
    const tuned = await trained(family, 'lora', lora);
    for (const kind of ['adapter', 'merged'])
      rank('export', ...tuned, '--kind', kind, '--out', place(family, kind));
    rank(
      'export',
      ...(await trained(family, 'full', still)),
      '--kind',
      'merged',
      '--out',
      place(family, 'same'),
    );
    const model = place(family, 'model');
    all.set(family, {
      ours: {
        base: ours(family, '--model', model),
        tuned: ours(family, '--model', model, ...tuned),
        merged: ours(family, '--model', place(family, 'merged')),
      },
      theirs: { base: new Float32Array(), adapter: new Float32Array(), merged: new Float32Array() },
    });
    const job = (what: string, folder: string, adapter: string | null = null) => ({
      model: folder,
      adapter,
      ids,
      out: place(family, `${what}.f32`),
    });
    return [
      job('base', model),
      job('merged', place(family, 'merged')),
      job('adapter', model, place(family, 'adapter')),
    ];
  }

  // One Python process for all: loading torch takes longer than everything else.
  beforeAll(async () => {
    writeFileSync(ids, JSON.stringify(randomDocuments(5, 99, TOKENS).map((document) => document.ids)));
    const jobs = [];
    for (const family of families) {
      const asked = await prepare(family);
      if (!isRemote(family)) jobs.push(...asked);
    }
    writeFileSync(join(folder, 'jobs.json'), JSON.stringify(jobs));
    runPython(python ?? '', [join(import.meta.dirname, 'logits.py'), join(folder, 'jobs.json')]);
    for (const [family, { theirs }] of [...all].filter(([name]) => !isRemote(name)))
      for (const what of ['base', 'adapter', 'merged'] as const)
        theirs[what] = readLogits(place(family, `${what}.f32`));
  }, PREPARATION_MS);

  const of = (family: string): Logits => {
    const found = all.get(family);
    if (!found) throw new Error(`nothing was computed for ${family}`);
    return found;
  };
  const compare = (a: Float32Array, b: Float32Array) => compareLogits(a, b, TOKENS);

  it.each(native)('%s: PEFT loads the adapter and gives our logits', (family) => {
    const { ours, theirs } = of(family);
    expect(compare(ours.base, theirs.base).difference).toBeLessThanOrEqual(1e-4);
    expect(compare(ours.tuned, theirs.adapter).difference).toBeLessThanOrEqual(1e-4);
    expect(compare(theirs.adapter, theirs.base).difference).toBeGreaterThan(0.05);
  });

  it.each(native)('%s: transformers loads the merged folder and gives our logits', (family) => {
    const { ours, theirs } = of(family);
    expect(compare(ours.merged, theirs.merged).difference).toBeLessThanOrEqual(1e-4);
    // bf16 keeps 8 bits of each merged weight.
    const { difference, largest } = compare(ours.tuned, theirs.merged);
    expect(difference).toBeLessThanOrEqual(0.04 * largest);
    expect(compare(theirs.merged, theirs.base).difference).toBeGreaterThan(0.05);
  });

  it.each(remote)('%s: the merged folder is the tuned model, under the names of its files', (family) => {
    const { ours } = of(family);
    const { difference, largest } = compare(ours.tuned, ours.merged);
    expect(difference).toBeLessThanOrEqual(0.04 * largest);
    expect(compare(ours.merged, ours.base).difference).toBeGreaterThan(0.05);
    const names = (file: string) => [...readSafetensorsBytes(file).keys()].sort();
    expect(names(place(family, 'merged/model.safetensors'))).toEqual(
      names(join(fixtures, family, 'model.safetensors')),
    );
    const modules = names(join(fixtures, family, 'model.safetensors')).map((name) =>
      name.replace(/\.weight$/, ''),
    );
    for (const name of names(place(family, 'adapter/adapter_model.safetensors')))
      expect(modules).toContain(name.replace(/^base_model\.model\./, '').replace(/\.lora_[AB]\.weight$/, ''));
  });

  it.each(families)('%s: weights that did not change are written back byte for byte', (family) => {
    const before = readSafetensorsBytes(join(fixtures, family, 'model.safetensors'));
    const after = readSafetensorsBytes(place(family, 'same/model.safetensors'));
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [name, tensor] of before) expect(after.get(name), name).toEqual(tensor);
    const config = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
    expect(config(place(family, 'same/config.json'))).toMatchObject(
      config(join(fixtures, family, 'config.json')),
    );
  });
});
