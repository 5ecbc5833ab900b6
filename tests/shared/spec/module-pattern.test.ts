import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  linearModuleNames,
  matchedModules,
  matchesModule,
} from '../../../electron/shared/spec/module-pattern.ts';

interface Case {
  pattern: string;
  name: string;
  matches: boolean;
}
const cases: Case[] = JSON.parse(
  readFileSync(new URL('../../fixtures/module-patterns.json', import.meta.url), 'utf8'),
);

describe('patterns of module names', () => {
  it.each(cases)('$pattern on $name: $matches', ({ pattern, name, matches }) => {
    expect(matchesModule(pattern, name)).toBe(matches);
  });

  it('are quick on texts made to be slow', () => {
    const started = performance.now();
    expect(matchesModule(`${'*a'.repeat(100)}b`, 'a'.repeat(200))).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('pick out of a model', () => {
    const names = linearModuleNames(2);
    expect(names).toHaveLength(14);
    expect(matchedModules(['layers.1.mlp.*', 'q_proj'], names)).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.1.self_attn.q_proj',
      'model.layers.1.mlp.gate_proj',
      'model.layers.1.mlp.up_proj',
      'model.layers.1.mlp.down_proj',
    ]);
    expect(matchedModules(['w1'], names)).toEqual([]);
  });
});
