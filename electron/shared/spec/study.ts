/**
 * The studies of the paper (arXiv 2312.00407): memory, throughput, quality. A study is a definition of which runs are made; what they show is
 * read from their folders. Pure: the schema and the runs it asks for.
 */
import { z } from 'zod';
import { layoutSchema } from './layouts.ts';
import { recommendedRate } from './learning-rates.ts';
import { type MethodType, methodTypes as methods } from './methods.ts';
import { optimizerSchema } from './optimizers.ts';
import { mappingSchema } from './run-spec.ts';
import { MOST_RUNS } from './sweep.ts';
import { withValue } from './with-value.ts';

export const studyKinds = ['memory', 'throughput', 'quality'] as const;
export type StudyKind = (typeof studyKinds)[number];

export const studyTitles: Record<StudyKind, { title: string; help: string }> = {
  memory: {
    title: 'Memory',
    help: 'What each optimizer and method needs, measured beside the forecast, over model sizes.',
  },
  throughput: {
    title: 'Throughput',
    help: 'Tokens per device and second over layouts of data, tensor and pipeline parallelism and ZeRO.',
  },
  quality: {
    title: 'Quality',
    help: 'Optimizers and methods on your data, learning rates swept equally, several seeds, with verdicts and cost.',
  },
};

const optimizers = optimizerSchema.options.map((option) => option.shape.type.value) as [string, ...string[]];
export type OptimizerName = (typeof optimizers)[number];

const studyDataSchema = z.strictObject({
  train: z.string().min(1),
  mapping: mappingSchema,
  /** Rows that quality is judged on; null: a part of `train`. */
  eval: z.string().min(1).nullable().default(null),
  /** So many rows of `eval` are answered, and the number that an answer ends with is held against theirs, as GSM8K is judged. */
  answered_rows: z.number().int().min(0).max(10_000).default(0),
});
export type StudyData = z.output<typeof studyDataSchema>;
export type StudyDataInput = z.input<typeof studyDataSchema>;

/** The evaluation set of the answers. */
export const ANSWERS_SET = 'answers';

const studyObject = z.strictObject({
  kind: z.enum(studyKinds),
  name: z.string().trim().min(1).max(40),
  models: z.array(z.string().min(1)).min(1).max(8),
  /** The quality study is made on each; the others take one. */
  data: z.array(studyDataSchema).min(1).max(4),
  /** Beside each model, models of its shape with so many layers and random weights: for memory and throughput. */
  layers: z.array(z.number().int().min(1).max(512)).max(8).default([]),
  methods: z.array(z.enum(methods)).default([]),
  optimizers: z.array(z.enum(optimizers)).default([]),
  layouts: z.array(layoutSchema).default([]),
  /** Times the recommended learning rate of each optimizer with each method. */
  rates: z.array(z.number().positive()).default([]),
  seeds: z.array(z.number().int().min(0)).default([]),
  /** Threads of a rank; null: as a run takes them, in the throughput study one. */
  threads: z.number().int().min(1).nullable().default(null),
  steps: z.number().int().min(1),
  seq_len: z.number().int().min(8),
  micro_batch_size: z.number().int().min(1).default(1),
  grad_accum_steps: z.number().int().min(1).default(1),
  /** Most held-out rows of each dataset. */
  eval_rows: z.number().int().min(1).max(1_000_000).default(256),
  /** Most tokens of an answer. */
  max_new_tokens: z.number().int().min(1).max(4096).default(256),
});

/** What a study cannot do without, by its kind: without them it would have no run. */
const needed: Record<StudyKind, readonly ('methods' | 'optimizers' | 'layouts')[]> = {
  memory: [],
  throughput: ['methods', 'optimizers', 'layouts'],
  quality: ['methods', 'optimizers'],
};

export const studySchema = studyObject.superRefine((study, { addIssue }) => {
  const wrong = (path: (string | number)[], message: string) => addIssue({ code: 'custom', path, message });
  const { kind, data } = study;
  for (const key of needed[kind])
    if (study[key].length === 0) wrong([key], `a ${kind} study needs one ${key.slice(0, -1)} or more`);
  if (kind === 'memory' && study.methods.length + study.optimizers.length === 0)
    wrong(['methods'], 'a memory study needs one method or one optimizer or more');
  if (kind !== 'quality' && data.length > 1)
    wrong(['data'], `a ${kind} study takes one dataset, not ${data.length}`);
  for (const [k, { train, eval: held, answered_rows }] of data.entries()) {
    if (data.findIndex((other) => other.train === train) < k) wrong(['data', k], `${train} is there twice`);
    if (answered_rows > 0 && held === null)
      wrong(
        ['data', k, 'answered_rows'],
        `answers need held-out data beside ${train}: its \`eval\`, --data ${train}=<dataset>`,
      );
  }
});
export type Study = z.output<typeof studySchema>;
export type StudyInput = z.input<typeof studySchema>;

/** What a study is unless it is said otherwise: everything there is for memory, a small set that says something for the others. */
export function studyDefaults(kind: StudyKind): Omit<StudyInput, 'kind' | 'models' | 'data'> {
  const { title } = studyTitles[kind];
  if (kind === 'memory')
    return { name: title, methods: [...methods], optimizers: [...optimizers], steps: 2, seq_len: 256 };
  if (kind === 'throughput')
    return {
      ...{
        name: title,
        methods: ['full'],
        optimizers: ['adamw'],
        steps: 6,
        seq_len: 128,
        grad_accum_steps: 4,
      },
      layouts: [
        {},
        ...[0, 1, 2, 3].map((zero_stage) => ({ dp_size: 2, zero_stage })),
        { tp_size: 2 },
        { pp_size: 2 },
      ],
    };
  return {
    ...{
      name: title,
      methods: ['lora', 'full'],
      optimizers: ['adamw', 'lion', 'adalomo'],
      rates: [0.3, 1, 3],
    },
    ...{ seeds: [1, 2, 3], steps: 60, seq_len: 256, grad_accum_steps: 4 },
  };
}

export interface StudyRun {
  /** Settings by path: what tells it from the others. */
  values: Record<string, unknown>;
  seed: number | null;
  spec: Readonly<Record<string, unknown>>;
}

/** Every run of a study. `models`: those of the definition and those that were made of their shapes. */
export function studyRuns(study: Study, models: readonly string[] = study.models): StudyRun[] {
  const seeds = study.seeds.length === 0 ? [null] : study.seeds;
  const runs = study.data.flatMap((data) =>
    models
      .flatMap((model) => pointsOf(study, model))
      .map((point) => (study.data.length > 1 ? { 'dataset.train': data.train, ...point } : point))
      .flatMap((values) => seeds.map((seed) => ({ values, seed, spec: specOf(study, data, values, seed) }))),
  );
  return runs.slice(0, MOST_RUNS);
}

function pointsOf(study: Study, model: string): Record<string, unknown>[] {
  const pair = (method: MethodType, optimizer: string) => ({
    model,
    'method.type': method,
    'optimizer.type': optimizer,
  });
  const { kind, layouts, rates } = study;
  if (kind === 'memory') {
    // Each optimizer where it has most to hold, and each method with the usual optimizer: as the paper does.
    const all = [
      ...study.optimizers.map((optimizer) => pair('full', optimizer)),
      ...study.methods.map((method) => pair(method, 'adamw')),
    ];
    return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
  }
  const pairs = study.methods.flatMap((method) =>
    study.optimizers.map((optimizer) => ({ method, optimizer })),
  );
  if (kind === 'throughput')
    return pairs.flatMap(({ method, optimizer }) =>
      layouts.map((layout) => ({
        ...pair(method, optimizer),
        ...Object.fromEntries(Object.entries(layout).map(([key, value]) => [`parallel.${key}`, value])),
      })),
    );
  return pairs.flatMap(({ method, optimizer }) =>
    (rates.length === 0 ? [1] : rates).map((rate) => ({
      ...pair(method, optimizer),
      'optimizer.learning_rate': Number((rate * recommendedRate(method, optimizer)).toPrecision(2)),
    })),
  );
}

function specOf(
  study: Study,
  data: StudyData,
  values: Record<string, unknown>,
  seed: number | null,
): StudyRun['spec'] {
  const { kind, steps, seq_len, micro_batch_size, grad_accum_steps, eval_rows } = study;
  const { train, mapping } = data;
  const judged = kind === 'quality';
  const threads = study.threads ?? (kind === 'throughput' ? 1 : null);
  let spec: StudyRun['spec'] = {
    dataset: { train, mapping, ...(judged ? { eval: data.eval } : { eval_fraction: 0 }) },
    batch: { seq_len, micro_batch_size, grad_accum_steps },
    duration: { unit: 'steps', value: steps },
    evaluation: { every_steps: 0, ...(judged ? { max_rows: eval_rows, sets: answersOf(study, data) } : {}) },
    checkpoint: { every_steps: 0 },
    sampling: { prompts: [] },
    ...(threads === null ? {} : { threads }),
    ...(seed === null ? {} : { seed }),
  };
  for (const [path, value] of Object.entries(values)) spec = withValue(spec, path, value);
  const words = Object.entries(values).flatMap(([path, value]) =>
    path === 'model' ? [] : [nameOf(path, value)],
  );
  const name = [`${study.name}:`, ...words, ...(seed === null ? [] : [`seed ${seed}`])].join(' ');
  return { ...spec, name: name.slice(0, 120) };
}

const answersOf = ({ max_new_tokens }: Study, { eval: held, answered_rows }: StudyData) =>
  held === null || answered_rows === 0
    ? []
    : [
        {
          ...{ name: ANSWERS_SET, data: held, max_rows: answered_rows },
          evaluator: { type: 'generation', metrics: ['number_match'], max_new_tokens },
        },
      ];

/** What a dataset is called: its id in the library, or the name of its file. */
export const dataName = (train: string): string =>
  train
    .replace(/^library:/, '')
    .split('/')
    .at(-1) ?? train;

const nameOf = (path: string, value: unknown) =>
  path === 'dataset.train'
    ? dataName(String(value))
    : path.endsWith('.type')
      ? String(value)
      : `${path.split('.').at(-1)} ${value}`;
