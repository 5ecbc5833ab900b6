/** Names of an adapter's tensors where files fuse modules or call them otherwise. */
import { expect, it } from 'vitest';
import { ownShapes } from '../../../electron/server/spec/adapter-names.ts';

const fused = {
  'self_attn.q_proj': 'transformer.encoder.layers.*.self_attention.query_key_value',
  'self_attn.k_proj': 'transformer.encoder.layers.*.self_attention.query_key_value',
  'self_attn.v_proj': 'transformer.encoder.layers.*.self_attention.query_key_value',
  'self_attn.o_proj': 'transformer.encoder.layers.*.self_attention.dense',
};
const file = (module: string, factor: string) =>
  `base_model.model.transformer.encoder.layers.12.self_attention.${module}.lora_${factor}.weight`;
const own = (module: string, factor: string) =>
  `base_model.model.model.layers.12.self_attn.${module}.lora_${factor}.weight`;

it('a fused module is all of its parts that are wanted', () => {
  const shapes = new Map([
    [file('query_key_value', 'A'), [24, 64]],
    [file('query_key_value', 'B'), [128, 24]],
    [file('dense', 'A'), [8, 64]],
  ]);
  const both = ownShapes(shapes, fused, 8, (module) => /[qv]_proj$/.test(module));
  expect(Object.fromEntries(both)).toEqual({
    [own('q_proj', 'A')]: [8, 64],
    [own('v_proj', 'A')]: [8, 64],
    [own('q_proj', 'B')]: [],
    [own('v_proj', 'B')]: [],
    [own('o_proj', 'A')]: [8, 64],
  });
  expect([...ownShapes(shapes, fused, 8, () => false).keys()]).toContain(own('k_proj', 'A'));
});

it('other names stay as they are', () => {
  const shapes = new Map([['base_model.model.model.layers.0.mlp.up_proj.lora_A.weight', [8, 64]]]);
  expect(ownShapes(shapes, {}, 8, () => true)).toEqual(shapes);
  expect(ownShapes(shapes, fused, 8, () => true)).toEqual(shapes);
});
