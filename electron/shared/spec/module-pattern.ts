/**
 * Which modules of a model a pattern names. The same rule is in native/core; tests/fixtures/module-patterns.json holds
 * the cases that both have to get right.
 *
 * A pattern matches a module's full name M (`model.layers.3.self_attn.q_proj`) when glob(pattern, M) or
 * glob('*.' + pattern, M): `q_proj` and `self_attn.q_proj` are endings of names. In a glob `*` stands for any run of
 * characters, dots too, `?` for one character; nothing else is special.
 */

/** Whether a glob covers a whole text. At most pattern length times text length steps. */
function glob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let from = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === '*') {
      star = p;
      from = t;
      p += 1;
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[t])) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      p = star + 1;
      from += 1;
      t = from;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

export const matchesModule = (pattern: string, name: string): boolean =>
  glob(pattern, name) || glob(`*.${pattern}`, name);

const LINEAR = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const;

/** Full names of the linear layers of a model's decoder layers, in order: what an adapter can be put at. */
export const linearModuleNames = (layers: number): string[] =>
  Array.from({ length: layers }, (_, layer) => LINEAR.map((name) => `model.layers.${layer}.${name}`)).flat();

/** The names that at least one pattern matches. */
export const matchedModules = (patterns: readonly string[], names: readonly string[]): string[] =>
  names.filter((name) => patterns.some((pattern) => matchesModule(pattern, name)));
