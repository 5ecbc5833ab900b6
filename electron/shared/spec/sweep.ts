/**
 * A sweep: many runs of one spec with other values of some settings. Pure: the file's schema, and the points that it asks for.
 */
import { z } from 'zod';
import { CollieError } from '../errors.ts';
import { SOBOL_DIMENSIONS, sobol } from './sobol.ts';
import { specFields, specValue } from './spec-fields.ts';
import { budgetSchema } from './sweep-budget.ts';
import { uniform } from './uniform.ts';
import { withValue } from './with-value.ts';

/** More runs than anybody waits for; a slip of a range is told before its points are made. */
export const MOST_RUNS = 1000;

const rangeSchema = z
  .strictObject({
    from: z.number(),
    to: z.number(),
    scale: z.enum(['linear', 'log']).default('linear'),
    /** Values of a grid, both ends included. */
    steps: z.number().int().min(2).max(100).default(3),
    /** Rounded to whole numbers. */
    whole: z.boolean().default(false),
  })
  .refine(({ from, to }) => from < to, {
    error: ({ input }) => {
      const { from, to } = Object(input);
      return `the range from ${from} to ${to} is empty: \`from\` has to be below \`to\``;
    },
  })
  .refine(({ from, scale }) => scale === 'linear' || from > 0, {
    message: 'a log range has to begin above 0',
  });
const listSchema = z.strictObject({
  values: z.array(z.unknown()).min(1, 'the list of values is empty').max(100),
});

/** Points where this does not hold are left out: `left is right`, each a setting or, on the right, a number. */
export const constraintSchema = z.strictObject({
  left: z.string().min(1),
  is: z.enum(['<', '<=', '=', '!=', '>=', '>']),
  right: z.union([z.string().min(1), z.number()]),
});

export const sweepSchema = z.strictObject({
  name: z.string().trim().min(1).max(40),
  /** What all of them share; only what differs from the defaults. */
  spec: z.record(z.string(), z.unknown()),
  /** By path, e.g. `optimizer.learning_rate`. */
  settings: z
    .record(z.string(), z.union([listSchema, rangeSchema]))
    .refine((settings) => Object.keys(settings).length > 0, { message: 'no setting is swept' }),
  search: z.enum(['grid', 'random', 'sobol']).default('grid'),
  /** Of random and sobol; a grid has as many as its settings make. */
  points: z.number().int().min(1).max(MOST_RUNS).default(16),
  /** Of the random numbers of random and sobol. */
  search_seed: z.number().int().min(0).max(4_294_967_295).default(0),
  /** Each point is run with each of these; null: with the seed of the spec. */
  seeds: z.array(z.number().int().min(0).max(2_147_483_647)).min(1).max(20).nullable().default(null),
  constraints: z.array(constraintSchema).max(20).default([]),
  /** Successive halving: all runs pause at the first rung, the best 1/eta of those that have reached one go on to the next. */
  halving: z
    .strictObject({
      /** Trained tokens, rising; a run pauses at the first evaluation from there on. */
      rungs: z.array(z.number().int().min(1)).min(1).max(10),
      eta: z.number().int().min(2).max(10).default(3),
    })
    .refine(({ rungs }) => rungs.every((rung, k) => k === 0 || rung > Number(rungs[k - 1])), {
      message: 'the rungs have to rise',
    })
    .nullable()
    .default(null),
  /** A run ends when so many evaluations in a row are not better than the best before by `least` nats. */
  plateau: z
    .strictObject({ evaluations: z.number().int().min(1).max(100), least: z.number().min(0).default(0) })
    .nullable()
    .default(null),
  /** When it is spent, runs that train are stopped at a checkpoint, and no other is started. */
  budget: budgetSchema.nullable().default(null),
});
export type Sweep = z.output<typeof sweepSchema>;
export type SweepInput = z.input<typeof sweepSchema>;
type Setting = Sweep['settings'][string];

export interface SweepPoint {
  /** By path, in the order of the sweep. */
  values: Readonly<Record<string, unknown>>;
  /** One spec a seed. */
  specs: Readonly<Record<string, unknown>>[];
  /** How often the same values came once more. */
  again: number;
}

export interface Expanded {
  points: SweepPoint[];
  /** The same values once more. */
  duplicates: number;
  /** Points that a constraint leaves out. */
  excluded: number;
}

/** Every point of a sweep. Throws spec.invalid for too many runs, an unknown setting, and constraints that leave nothing. */
export function expandSweep(sweep: Sweep): Expanded {
  const paths = Object.keys(sweep.settings);
  const known = new Set(specFields().map(({ path }) => path));
  for (const path of paths)
    if (!known.has(path))
      throw invalid(`There is no setting ${path} to sweep.`, 'docs/spec.md has every setting by its path.');
  const evaluated = sweep.halving !== null || sweep.plateau !== null;
  if (evaluated && !(Number(specValue(sweep.spec, 'evaluation.every_steps') ?? 0) > 0))
    throw invalid(
      'Halving and the plateau rule look at evaluations: set evaluation.every_steps in the spec.',
    );
  const wanted = wantedPoints(sweep) * (sweep.seeds?.length ?? 1);
  if (wanted > MOST_RUNS)
    throw invalid(
      `The sweep "${sweep.name}" asks for ${wanted} runs; ${MOST_RUNS} is the most.`,
      'Take fewer values or seeds, or random or quasi-random points (`search`, `points`) of the same ranges.',
    );
  const seen = new Map<string, SweepPoint | null>();
  const expanded: Expanded = { points: [], duplicates: 0, excluded: 0 };
  for (const all of valuesOf(sweep, paths)) {
    const values = effective(sweep.spec, Object.fromEntries(paths.map((path, i) => [path, all[i]])));
    const key = JSON.stringify(values);
    if (seen.has(key)) {
      expanded.duplicates += 1;
      const first = seen.get(key);
      if (first) first.again += 1;
      continue;
    }
    const kept = sweep.constraints.every((constraint) => holds(constraint, values, sweep.spec));
    const point = kept ? pointOf(sweep, values) : null;
    if (point) expanded.points.push(point);
    else expanded.excluded += 1;
    seen.set(key, point);
  }
  if (expanded.points.length === 0)
    throw invalid(
      `The constraints of the sweep "${sweep.name}" leave none of its ${expanded.excluded} points.`,
      `Loosen ${sweep.constraints.map(({ left, is, right }) => `${left} ${is} ${right}`).join('; ')}, or take other values.`,
    );
  return expanded;

  function holds({ left, is, right }: Sweep['constraints'][number], values: Values, spec: unknown) {
    const valueAt = (path: string) => (path in values ? values[path] : specValue(spec, path));
    const [a, b] = [valueAt(left), typeof right === 'number' ? right : (valueAt(right) ?? right)];
    if (a === undefined)
      throw invalid(`The constraint on ${left} has no value to judge: neither sweep nor spec sets it.`);
    if (is === '=') return a === b;
    if (is === '!=') return a !== b;
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(x) || Number.isNaN(y))
      throw invalid(`The constraint ${left} ${is} ${right} compares what are no numbers: ${a}, ${b}.`);
    return is === '<' ? x < y : is === '<=' ? x <= y : is === '>=' ? x >= y : x > y;
  }
}

const invalid = (message: string, hint = 'Correct the sweep, then try again.') =>
  new CollieError('spec.invalid', message, hint, { issues: [] });

const countOf = (setting: Setting) => ('values' in setting ? setting.values.length : setting.steps);

const wantedPoints = ({ search, settings, points }: Sweep): number =>
  search === 'grid' ? Object.values(settings).reduce((product, one) => product * countOf(one), 1) : points;

type Values = Readonly<Record<string, unknown>>;

/** The spec with these values. A variant (a method, an optimizer) comes first: it decides which settings there are. */
function specWith(spec: Values, values: Values): Values {
  let one = spec;
  const variants = Object.entries(values).filter(([path]) => isVariant(path));
  for (const [path, value] of variants) one = withVariant(one, path, value);
  for (const [path, value] of Object.entries(values)) one = withValue(one, path, value);
  return one;
}

const isVariant = (path: string) =>
  specFields().some((field) => field.path === path && field.kind === 'variant');

/** Of the settings of the variant before, those stay that the new one has too. */
function withVariant(spec: Values, path: string, value: unknown): Values {
  const group = path.slice(0, path.lastIndexOf('.'));
  const own = specFields().filter(({ when }) => when?.path === path && when.equals === value);
  const before = specValue(spec, group);
  const kept = Object.entries(typeof before === 'object' && before !== null ? before : {}).filter(([key]) =>
    own.some((field) => field.key === key),
  );
  return withValue(spec, group, { ...Object.fromEntries(kept), [path.slice(group.length + 1)]: value });
}

/** Without settings that the point's variant does not have: a rank says nothing of full fine-tuning. */
function effective(spec: Values, values: Values): Values {
  const whole = specWith(spec, values);
  return Object.fromEntries(
    Object.entries(values).filter(([path]) =>
      specFields().some(({ path: own, when }) => {
        const chosen = when && specValue(whole, when.path);
        return own === path && (!when || chosen === undefined || chosen === when.equals);
      }),
    ),
  );
}

function pointOf({ spec, name, seeds }: Sweep, values: Values): SweepPoint {
  const one = specWith(spec, values);
  const label = Object.entries(values)
    .map(
      ([path, value]) =>
        `${path.split('.').at(-1)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(', ');
  const title = `${name}: ${label}`;
  if (seeds === null) return { values, again: 0, specs: [{ ...one, name: title.slice(0, 120) }] };
  return {
    values,
    again: 0,
    specs: seeds.map((seed) => ({ ...one, seed, name: `${title}, seed ${seed}`.slice(0, 120) })),
  };
}

function* valuesOf(sweep: Sweep, paths: readonly string[]): Generator<unknown[]> {
  const settings = paths.map((path) => sweep.settings[path] as Setting);
  if (sweep.search === 'grid') {
    yield* grid(settings.map(gridValues));
    return;
  }
  for (const place of cubePoints(sweep, paths.length))
    yield settings.map((setting, d) => valueAt(setting, place[d] ?? 0));
}

function* grid(lists: readonly (readonly unknown[])[]): Generator<unknown[]> {
  const [first, ...rest] = lists;
  if (first === undefined) yield [];
  else for (const value of first) for (const others of grid(rest)) yield [value, ...others];
}

const gridValues = (setting: Setting): readonly unknown[] =>
  'values' in setting
    ? setting.values
    : Array.from({ length: setting.steps }, (_, i) => inRange(setting, i / (setting.steps - 1)));

const valueAt = (setting: Setting, place: number): unknown =>
  'values' in setting ? setting.values[Math.floor(place * setting.values.length)] : inRange(setting, place);

/** `place` from 0 to 1 along a range. Four digits: nobody tunes the fifth, and names stay short. */
function inRange({ from, to, scale, whole }: z.output<typeof rangeSchema>, place: number): number {
  const value = scale === 'log' ? from * (to / from) ** place : from + (to - from) * place;
  return whole ? Math.round(value) : Number(value.toPrecision(4));
}

function cubePoints({ search, points, search_seed }: Sweep, dimensions: number): number[][] {
  const next = uniform(search_seed);
  if (search === 'random')
    return Array.from({ length: points }, () => Array.from({ length: dimensions }, next));
  if (dimensions > SOBOL_DIMENSIONS)
    throw invalid(
      `Quasi-random points have at most ${SOBOL_DIMENSIONS} settings, not ${dimensions}: take random ones.`,
    );
  return sobol(
    points,
    dimensions,
    Array.from({ length: dimensions }, () => Math.floor(next() * 2 ** 32)),
  );
}
