/** `method.init_adapter`: a folder in PEFT format that a run continues from has to fit the method's settings. */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ModelCard } from '../../shared/api/entities.ts';
import { methodTitle, methodTraits } from '../../shared/spec/method-traits.ts';
import { type Method, methodTypes } from '../../shared/spec/methods.ts';
import { linearModuleNames, matchedModules, matchesModule } from '../../shared/spec/module-pattern.ts';
import { absolutePath } from '../datasets/file-cache.ts';
import { slug } from '../models/ids.ts';
import { nameOfFolder } from '../models/locate.ts';
import { ownShapes } from './adapter-names.ts';
import type { Findings, Found } from './context.ts';
import { issue, type Parts } from './issue.ts';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
const PATH = 'method.init_adapter';
/** Headers of adapters are a few hundred kilobytes at most; anything larger is no adapter. */
const MOST_HEADER = 100 << 20;

/** What matters here of PEFT's adapter_config.json; each method has some of it. */
const configSchema = z.looseObject({
  peft_type: z.string(),
  r: z.number().nullish(),
  lora_alpha: z.number().nullish(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  bias: z.string().nullish(),
  rank_pattern: z.record(z.string(), z.unknown()).nullish(),
  alpha_pattern: z.record(z.string(), z.unknown()).nullish(),
  base_model_name_or_path: z.string().nullish(),
  num_virtual_tokens: z.number().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
});
type AdapterConfig = z.infer<typeof configSchema>;

interface Adapter {
  config: AdapterConfig;
  /** Its tensors by name. */
  shapes: Map<string, number[]>;
}

const headerSchema = z.record(z.string(), z.looseObject({ shape: z.array(z.number()).optional() }));

async function tensorShapes(file: FileHandle): Promise<Map<string, number[]>> {
  const { size } = await file.stat();
  const head = Buffer.alloc(8);
  await file.read(head, 0, 8, 0);
  const length = size < 8 ? Number.NaN : Number(head.readBigUInt64LE());
  if (!(length > 0 && length <= Math.min(size - 8, MOST_HEADER)))
    throw new Error('it is no safetensors file, or cut off');
  const header = Buffer.alloc(length);
  await file.read(header, 0, length, 8);
  const { __metadata__: _, ...parsed } = headerSchema.parse(JSON.parse(header.toString('utf8')));
  return new Map(Object.entries(parsed).map(([name, { shape }]) => [name, shape ?? []]));
}

type Problem = [code: string, message: string, suggestion: string];

const EXPORT_FIRST =
  'Name the folder of an adapter in PEFT format, for example an export of another run, or leave this empty.';

/** Reads config and header, or says what is wrong with the folder. */
async function readAdapter(folder: string): Promise<Adapter | Problem> {
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) return ['file.not_found', `There is no folder ${folder}.`, EXPORT_FIRST];
  for (const name of [CONFIG, WEIGHTS]) {
    if (!(await stat(join(folder, name)).catch(() => null))?.isFile())
      return ['file.not_found', `${folder} has no ${name}: it is no adapter in PEFT format.`, EXPORT_FIRST];
  }
  let reading = CONFIG;
  let file: FileHandle | undefined;
  try {
    const config = configSchema.parse(JSON.parse(await readFile(join(folder, CONFIG), 'utf8')));
    reading = WEIGHTS;
    file = await open(join(folder, WEIGHTS));
    return { config, shapes: await tensorShapes(file) };
  } catch (thrown) {
    const why =
      thrown instanceof z.ZodError ? 'it has other fields than PEFT writes' : (thrown as Error).message;
    return [
      'file.unreadable',
      `${join(folder, reading)} cannot be read: ${why}.`,
      'Export the adapter again.',
    ];
  } finally {
    await file?.close();
  }
}

/** One setting that the adapter has and the method wants to be otherwise. */
interface Difference {
  /** Setting of the method, as in the spec. */
  setting: string;
  own: string;
  adapter: string;
}

const text = (value: unknown) => (value === null || value === undefined ? 'none' : String(value));
const list = (names: readonly string[]) => (names.length === 0 ? 'none' : [...names].sort().join(', '));

/** The method that PEFT's settings are those of. */
const methodOf = (config: AdapterConfig) =>
  methodTypes.find((type) => {
    const { peftType, useDora = false } = methodTraits(type);
    return peftType === config.peft_type && useDora === (config.use_dora ?? false);
  });

function differences(method: Method, config: AdapterConfig): Difference[] {
  const found: Difference[] = [];
  const compare = (setting: string, own: unknown, adapter: unknown) => {
    if (text(own) !== text(adapter)) found.push({ setting, own: text(own), adapter: text(adapter) });
  };
  if ('rank' in method) {
    compare('rank', method.rank, config.r);
    compare('alpha', method.alpha, config.lora_alpha);
    compare('type', method.type, methodOf(config));
    const own = 'scaling' in method ? method.scaling : 'standard';
    compare('scaling', own, config.use_rslora ? 'rank_stabilized' : 'standard');
  }
  if ('virtual_tokens' in method) compare('virtual_tokens', method.virtual_tokens, config.num_virtual_tokens);
  if ('modules_to_save' in method)
    compare('modules_to_save', list(method.modules_to_save), list(config.modules_to_save ?? []));
  return found;
}

/** Full names of the linear layers that the adapter has tensors for. */
function adaptedModules(tensors: readonly string[]): string[] {
  const found = tensors.flatMap((name) => {
    const match = /^base_model\.model\.(.+)\.(?:lora_[A-Za-z_]+|ia3_l)(?:\..+)?$/.exec(name);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return [...new Set(found)];
}

const some = (names: readonly string[]) =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');

function targetProblem(method: Method, tensors: readonly string[], layers: number): Problem | null {
  if (!('target_modules' in method)) return null;
  const wanted = matchedModules(method.target_modules, linearModuleNames(layers));
  if (wanted.length === 0) return null; // an issue of its own
  const has = adaptedModules(tensors);
  const missing = wanted.filter((name) => !has.includes(name));
  const extra = has.filter((name) => !wanted.includes(name));
  if (missing.length === 0 && extra.length === 0) return null;
  const parts = [
    ...(missing.length > 0 ? [`target modules names ${some(missing)}, which it lacks`] : []),
    ...(extra.length > 0 ? [`it has ${some(extra)}, which target modules does not name`] : []),
  ];
  return [
    'adapter.mismatch',
    `The adapter is for other modules: ${parts.join('; ')}.`,
    'Set method.target_modules to the modules of the adapter.',
  ];
}

/** Sizes of a projection's input and output as the card of the model says; undefined: it does not. */
function sizesOf(module: string, { hiddenSize, intermediateSize }: ModelCard): { in?: number; out?: number } {
  if (/\.down_proj$/.test(module)) return { in: intermediateSize, out: hiddenSize };
  if (/\.(gate|up)_proj$/.test(module)) return { in: hiddenSize, out: intermediateSize };
  if (/\.[qkv]_proj$/.test(module)) return { in: hiddenSize };
  return /\.o_proj$/.test(module) ? { out: hiddenSize } : {};
}

/** Factors are [rank, in] and [out, rank]: another base has other sizes, and the file's own rank may not be that of its configuration. */
function shapeProblem(shapes: Adapter['shapes'], { r }: AdapterConfig, card: ModelCard): Problem | null {
  for (const [name, shape] of shapes) {
    const [, module, part] = /^base_model\.model\.(.+)\.lora_([AB])(?:\..+)?$/.exec(name) ?? [];
    if (module === undefined || shape.length !== 2) continue;
    const [rank, size] = part === 'A' ? [shape[0], shape[1]] : [shape[1], shape[0]];
    const wanted = sizesOf(`.${module}`, card)[part === 'A' ? 'in' : 'out'];
    if (wanted !== undefined && size !== wanted)
      return [
        'adapter.mismatch',
        `The adapter is of another base model: ${name} has ${size} ${part === 'A' ? 'inputs' : 'outputs'}, "${card.name}" has ${wanted} there.`,
        'Choose the model that the adapter was trained on, or another adapter.',
      ];
    if (r !== null && r !== undefined && rank !== r)
      return [
        'adapter.mismatch',
        `The adapter contradicts itself: ${name} has rank ${rank}, ${CONFIG} says ${r}.`,
        'Both files must be of one adapter: export or copy it again.',
      ];
  }
  return null;
}

/** The base that the adapter names, where it is not this model by name or folder. */
function otherBase(
  { base_model_name_or_path: base }: AdapterConfig,
  { card, path }: NonNullable<Found['model']>,
) {
  const last = (text: string) => slug(nameOfFolder(text));
  if (!base || [path, card.source, card.name].some((own) => last(own) === last(base))) return null;
  return base;
}

/** What only PEFT itself could continue. */
function unsupported(config: AdapterConfig, card: ModelCard | undefined): string | null {
  if (config.bias && config.bias !== 'none') return `biases (bias = ${config.bias})`;
  // Of fused modules, exports of ours have as many times the rank.
  if (Object.keys(card?.fileModules ?? {}).length > 0) return null;
  if (Object.keys(config.rank_pattern ?? {}).length > 0) return 'other ranks for some modules (rank_pattern)';
  if (Object.keys(config.alpha_pattern ?? {}).length > 0)
    return 'other alphas for some modules (alpha_pattern)';
  return null;
}

function misfit(method: Method, { config, shapes }: Adapter, card: ModelCard | undefined): Problem[] {
  const { peftType } = methodTraits(method.type);
  if (config.peft_type !== peftType)
    return [
      [
        'adapter.mismatch',
        `The adapter is of type ${config.peft_type}; ${methodTitle(method.type)} continues from ${peftType}.`,
        'Choose the method the adapter was made with, or another adapter.',
      ],
    ];
  const other = unsupported(config, card);
  if (other !== null)
    return [
      [
        'adapter.mismatch',
        `The adapter has ${other}, which cannot be continued here.`,
        'Use another adapter.',
      ],
    ];
  const problems = differences(method, config).map(
    ({ setting, own, adapter }): Problem => [
      'adapter.mismatch',
      `The adapter has ${setting} ${adapter}; method.${setting} is ${own}.`,
      `Set method.${setting} to ${adapter}, or use another adapter.`,
    ],
  );
  if (card === undefined) return problems;
  const targets = 'target_modules' in method ? method.target_modules : [];
  const isWanted = (module: string) => targets.some((pattern) => matchesModule(pattern, module));
  const own = ownShapes(shapes, card.fileModules, config.r, isWanted);
  const more = [targetProblem(method, [...own.keys()], card.layers), shapeProblem(own, config, card)];
  return [...problems, ...more.filter((problem) => problem !== null)];
}

/** Checks the adapter that the method names, if it names one. Relative paths start at `base`. */
export async function checkInitAdapter(
  { method }: Parts,
  found: Found,
  base: string,
  findings: Findings,
): Promise<void> {
  if (!method || !('init_adapter' in method) || method.init_adapter === null) return;
  const received = method.init_adapter;
  const add = ([code, message, suggestion]: Problem) =>
    findings.issues.push(issue(PATH, code, message, received, suggestion));
  const adapter = await readAdapter(absolutePath(received, base));
  if (Array.isArray(adapter)) {
    add(adapter);
    return;
  }
  for (const problem of misfit(method, adapter, found.model?.card)) add(problem);
  const other = found.model && otherBase(adapter.config, found.model);
  if (!other) return;
  const message = `The adapter was trained on ${other}; the model is "${found.model?.card.name}".`;
  findings.warnings.push(issue(PATH, 'other_base', message, received, 'Check that they are the same model.'));
}
