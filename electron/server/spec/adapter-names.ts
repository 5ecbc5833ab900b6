/**
 * Tensors of an adapter under our names of modules, where the model's files fuse several into one or call them otherwise. A pair of factors of
 * a fused module stands for all parts of it that the run adapts; whether it can be cut into them, the engine says (peft_fused.cpp).
 */
import type { ModelCard } from '../../shared/api/entities.ts';

type Shapes = ReadonlyMap<string, number[]>;

const FACTOR = /^base_model\.model\.(.+)\.lora_([AB])(\..+)?$/;
const LAYER = /\.(\d+)\./;

/** "model.layers.*.self_attn.qkv_proj" -> the modules in it, as they are called in a layer. */
function partsByFile(fileModules: ModelCard['fileModules']): Map<string, string[]> {
  const parts = new Map<string, string[]>();
  for (const [module, file] of Object.entries(fileModules))
    parts.set(file, [...(parts.get(file) ?? []), module]);
  return parts;
}

/** `isWanted`: whether the run adapts a module, by its full name. `rank` is that of the configuration. */
export function ownShapes(
  shapes: Shapes,
  fileModules: ModelCard['fileModules'],
  rank: number | null | undefined,
  isWanted: (module: string) => boolean,
): Map<string, number[]> {
  const parts = partsByFile(fileModules);
  const own = new Map<string, number[]>();
  for (const [name, shape] of shapes) {
    const [, file = '', factor, rest = ''] = FACTOR.exec(name) ?? [];
    const layer = LAYER.exec(file)?.[1];
    const inside = parts.get(file.replace(LAYER, '.*.'));
    if (layer === undefined || inside === undefined) {
      own.set(name, shape);
      continue;
    }
    const names = inside.map((module) => `model.layers.${layer}.${module}`);
    const wanted = names.filter(isWanted);
    for (const module of wanted.length > 0 ? wanted : names) {
      const cut = factor === 'A' ? [rank ?? shape[0] ?? 0, shape[1] ?? 0] : [];
      own.set(`base_model.model.${module}.lora_${factor}${rest}`, inside.length > 1 ? cut : shape);
    }
  }
  return own;
}
