/** Settings of a layout: their kinds in the form, their defaults, and hosts as they are written. */
import { describe, expect, it } from 'vitest';
import { parallelSchema, parseHost, worldSize } from '../../../electron/shared/spec/parallel-fields.ts';
import { specFields } from '../../../electron/shared/spec/spec-fields.ts';

describe('parallel', () => {
  it('is one rank by default', () => {
    expect(worldSize(parallelSchema.parse({}))).toBe(1);
    expect(worldSize(parallelSchema.parse({ dp_size: 2, tp_size: 3, pp_size: 4 }))).toBe(24);
  });

  it('lists layers of chunks as whole numbers with their limits', () => {
    expect(specFields().find(({ path }) => path === 'parallel.pipeline_layers')).toMatchObject({
      kind: 'integer_list',
      min: 1,
      max: 100_000,
      maxLength: 1024,
    });
    expect(parallelSchema.safeParse({ pipeline_layers: [1.5] }).success).toBe(false);
    expect(parallelSchema.safeParse({ pipeline_layers: [0] }).success).toBe(false);
  });
});

describe('a host', () => {
  it('is a name with or without slots', () => {
    expect(parseHost('node1:8')).toEqual({ name: 'node1', slots: 8 });
    expect(parseHost('10.0.0.2')).toEqual({ name: '10.0.0.2', slots: 1 });
  });

  it.each(['', ':8', 'node1:0', 'node1:x', 'a b', '-oProxyCommand=x:1', 'node1,node2'])(
    'is not %j',
    (text) => {
      expect(parseHost(text)).toBeNull();
    },
  );
});
