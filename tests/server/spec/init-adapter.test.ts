/** Adapters that a run continues from: folders made here, checked against a method on a model of two layers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Findings, Found } from '../../../electron/server/spec/context.ts';
import { checkInitAdapter } from '../../../electron/server/spec/init-adapter.ts';
import { methodSchema } from '../../../electron/shared/spec/methods.ts';
import { linearModuleNames } from '../../../electron/shared/spec/module-pattern.ts';

const scratch = mkdtempSync(join(tmpdir(), 'collie-adapter-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const found = {
  model: {
    path: '/models/tiny-8b',
    card: {
      name: 'Tiny',
      source: '/models/tiny-8b',
      layers: 2,
      hiddenSize: 64,
      intermediateSize: 128,
      fileModules: {},
    },
  },
} as unknown as Found;

/** A safetensors file with these tensors, one number each, whatever the shape says. */
function safetensors(names: readonly string[], shape: readonly number[] = [1]): Buffer {
  const entries = names.map((name, k) => [name, { dtype: 'F32', shape, data_offsets: [4 * k, 4 * k + 4] }]);
  const header = Buffer.from(
    JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4 * names.length)]);
}

const loraTensors = (ending: string) =>
  linearModuleNames(2)
    .filter((name) => name.endsWith(ending))
    .flatMap((name) => ['lora_A', 'lora_B'].map((part) => `base_model.model.${name}.${part}.weight`));

const loraConfig = { peft_type: 'LORA', r: 8, lora_alpha: 16, bias: 'none', target_modules: ['q_proj'] };

let made = 0;
function folder(config: object | string | null, weights: Buffer | null = safetensors(loraTensors('q_proj'))) {
  made += 1;
  const path = join(scratch, `adapter-${made}`);
  mkdirSync(path);
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  if (config !== null) writeFileSync(join(path, 'adapter_config.json'), text);
  if (weights !== null) writeFileSync(join(path, 'adapter_model.safetensors'), weights);
  return path;
}

const lora = { type: 'lora', rank: 8, alpha: 16, target_modules: ['q_proj'] };

async function findingsOf(method: object, base = scratch): Promise<Findings> {
  const findings: Findings = { issues: [], warnings: [] };
  await checkInitAdapter({ method: methodSchema.parse(method) }, found, base, findings);
  return findings;
}

const issues = async (method: object, base = scratch) => (await findingsOf(method, base)).issues;

describe('an adapter that fits', () => {
  it('is accepted, by a relative path too', async () => {
    const path = folder(loraConfig);
    expect(await issues({ ...lora, init_adapter: path })).toEqual([]);
    expect(await issues({ ...lora, init_adapter: path.slice(scratch.length + 1) })).toEqual([]);
  });

  it.each<[string, object, object, string[]]>([
    [
      'DoRA',
      { ...lora, type: 'dora' },
      { ...loraConfig, use_dora: true },
      [
        ...loraTensors('q_proj'),
        'base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight',
      ],
    ],
    [
      'rank-stabilized LoRA with modules to save',
      { ...lora, scaling: 'rank_stabilized', modules_to_save: ['norm'] },
      { ...loraConfig, use_rslora: true, modules_to_save: ['norm'] },
      [...loraTensors('q_proj'), 'base_model.model.model.norm.weight'],
    ],
    [
      'IA3',
      { type: 'ia3', target_modules: ['k_proj'], feedforward_modules: [] },
      { peft_type: 'IA3' },
      linearModuleNames(2)
        .filter((name) => name.endsWith('k_proj'))
        .map((name) => `base_model.model.${name}.ia3_l`),
    ],
    [
      'prompt tuning',
      { type: 'prompt_tuning', virtual_tokens: 20 },
      { peft_type: 'PROMPT_TUNING', num_virtual_tokens: 20 },
      ['prompt_embeddings'],
    ],
  ])('%s', async (_, method, config, tensors) => {
    expect(await issues({ ...method, init_adapter: folder(config, safetensors(tensors)) })).toEqual([]);
  });
});

describe('an adapter that does not fit names both values', () => {
  it.each<[string, object, object, RegExp]>([
    ['rank', { ...lora, rank: 16 }, loraConfig, /rank 8; method\.rank is 16/],
    ['alpha', { ...lora, alpha: 4 }, loraConfig, /alpha 16; method\.alpha is 4/],
    [
      'scaling',
      { ...lora, scaling: 'rank_stabilized' },
      loraConfig,
      /scaling standard; method\.scaling is rank_stabilized/,
    ],
    ['DoRA', lora, { ...loraConfig, use_dora: true }, /type dora; method\.type is lora/],
    [
      'saved modules',
      lora,
      { ...loraConfig, modules_to_save: ['norm'] },
      /norm; method\.modules_to_save is none/,
    ],
    ['another method', lora, { ...loraConfig, peft_type: 'IA3' }, /type IA3; LoRA continues from LORA/],
    ['biases', lora, { ...loraConfig, bias: 'all' }, /bias = all/],
    ['ranks per module', lora, { ...loraConfig, rank_pattern: { q_proj: 4 } }, /rank_pattern/],
    [
      'modules it lacks',
      { ...lora, target_modules: ['q_proj', 'k_proj'] },
      loraConfig,
      /names model\.layers\.0\.self_attn\.k_proj, model\.layers\.1\.self_attn\.k_proj, which it lacks/,
    ],
    [
      'modules too many',
      { ...lora, target_modules: ['layers.0.self_attn.q_proj'] },
      loraConfig,
      /it has model\.layers\.1\.self_attn\.q_proj, which target modules does not name/,
    ],
    [
      'virtual tokens',
      { type: 'prefix_tuning', virtual_tokens: 10 },
      { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 30 },
      /virtual_tokens 30; method\.virtual_tokens is 10/,
    ],
  ])('%s', async (_, method, config, message) => {
    const [first, ...others] = await issues({ ...method, init_adapter: folder(config) });
    expect(others).toEqual([]);
    expect(first?.path).toBe('method.init_adapter');
    expect(first?.message).toMatch(message);
    expect(first?.suggestion).not.toBe('');
  });
});

describe('the factors themselves', () => {
  const one = (projection: string, part: 'A' | 'B') =>
    `base_model.model.model.layers.0.${projection}.lora_${part}.weight`;
  const only = (projection: string) => ({ ...lora, target_modules: [`layers.0.${projection}`] });

  it.each<[string, string, 'A' | 'B', number[], RegExp]>([
    [
      'inputs of a query',
      'self_attn.q_proj',
      'A',
      [8, 48],
      /another base model: .*q_proj\.lora_A.* has 48 inputs, "Tiny" has 64/,
    ],
    ['inputs of an MLP', 'mlp.down_proj', 'A', [8, 64], /has 64 inputs, "Tiny" has 128/],
    ['outputs of an MLP', 'mlp.up_proj', 'B', [64, 8], /has 64 outputs, "Tiny" has 128/],
    ['outputs of attention', 'self_attn.o_proj', 'B', [48, 8], /has 48 outputs, "Tiny" has 64/],
    [
      'another rank than its configuration',
      'self_attn.q_proj',
      'A',
      [4, 64],
      /has rank 4, adapter_config\.json says 8/,
    ],
  ])('%s', async (_, projection, part, shape, message) => {
    const path = folder(loraConfig, safetensors([one(projection, part)], shape));
    expect(await issues({ ...only(projection), init_adapter: path })).toMatchObject([
      { code: 'adapter.mismatch', message: expect.stringMatching(message) },
    ]);
  });

  it('that fit are accepted', async () => {
    const path = folder(loraConfig, safetensors([one('mlp.down_proj', 'A')], [8, 128]));
    expect(await issues({ ...only('mlp.down_proj'), init_adapter: path })).toEqual([]);
  });
});

it.each([
  ['meta/Other-8B', 1],
  ['owner/Tiny-8B', 0],
  ['/elsewhere/tiny-8b/', 0],
  ['owner/Tiny', 0],
])('an adapter of %s: %i warnings', async (base, count) => {
  const path = folder({ ...loraConfig, base_model_name_or_path: base });
  const { issues: found, warnings } = await findingsOf({ ...lora, init_adapter: path });
  expect(found).toEqual([]);
  expect(warnings).toHaveLength(count);
  if (count > 0)
    expect(warnings[0]?.message).toBe(`The adapter was trained on ${base}; the model is "Tiny".`);
});

describe('a folder that is no adapter', () => {
  it.each<[string, () => string, string, RegExp]>([
    ['nothing there', () => join(scratch, 'none'), 'file.not_found', /There is no folder/],
    ['no config', () => folder(null), 'file.not_found', /no adapter_config\.json/],
    ['no weights', () => folder(loraConfig, null), 'file.not_found', /no adapter_model\.safetensors/],
    ['a torn config', () => folder('{"peft_type"'), 'file.unreadable', /adapter_config\.json cannot be read/],
    ['a config of something else', () => folder({ r: 'x' }), 'file.unreadable', /other fields/],
    [
      'torn weights',
      () => folder(loraConfig, safetensors(loraTensors('q_proj')).subarray(0, 40)),
      'file.unreadable',
      /cut off/,
    ],
  ])('%s', async (_, make, code, message) => {
    const found = await issues({ ...lora, init_adapter: make() });
    expect(found).toMatchObject([{ path: 'method.init_adapter', code }]);
    expect(found[0]?.message).toMatch(message);
  });
});
