/** Spec files of the command line: JSON, with `--set path=value` on top. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expandHome } from '../server/files/files.ts';
import { decodeText } from '../server/files/text.ts';
import { CollieError } from '../shared/errors.ts';
import { migrateSpec } from '../shared/spec/migrate.ts';
import { specFields, variantMeta } from '../shared/spec/spec-fields.ts';

type Json = Record<string, unknown>;
/** Gets sentences about what was done besides what was asked. */
type Note = (sentence: string) => void;

/** Reads a spec. Relative paths in it start at the folder of the file. Throws file.not_found, spec.invalid. */
export function readSpecFile(path: string, sets: string[], note: Note = () => {}): Json {
  const text = decodeText(readFileSync(resolve(path)));
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw invalid(
      `${path} is no JSON: ${(error as Error).message}`,
      'Compare it with a file in assets/presets.',
    );
  }
  if (!isObject(spec))
    throw invalid(`${path} holds ${JSON.stringify(spec)?.slice(0, 40)}, not an object.`, '');
  const newest = newestSpec(spec, dirname(resolve(path)), note);
  for (const set of sets) applySet(newest, set, note);
  return newest;
}

/** In the words of the newest version, with paths that start at `folder`. */
export function newestSpec(spec: Json, folder: string, note: Note = () => {}): Json {
  const { spec: newest, notes } = migrateSpec(spec) as { spec: Json; notes: string[] };
  for (const sentence of notes) note(sentence);
  absolutePaths(newest, folder);
  return newest;
}

/**
 * `optimizer.learning_rate=1e-4`: the value is JSON, or a plain string where it is none. Another method or optimizer
 * (`method.type=ia3`) takes the settings along that it has too; the others are dropped, told to `note`.
 */
export function applySet(spec: Json, set: string, note: Note = () => {}): void {
  const at = set.indexOf('=');
  if (at < 1)
    throw invalid(`--set ${set} is not path=value.`, 'For example: --set optimizer.learning_rate=1e-4');
  const keys = set.slice(0, at).split('.');
  const last = keys.pop() as string;
  let target = spec;
  for (const key of [...keys, last]) {
    if (key === '' || key === '__proto__') throw invalid(`--set ${set}: "${key}" is no key.`, '');
  }
  for (const key of keys) {
    const inner = target[key] ?? {};
    if (!isObject(inner)) throw invalid(`--set ${set}: ${key} is no object.`, '');
    target[key] = inner;
    target = inner;
  }
  const value = parseValue(set.slice(at + 1));
  if (target[last] !== undefined && target[last] !== value)
    dropForeign(target, [...keys, last].join('.'), value, note);
  target[last] = value;
}

/** After the choice of another variant: settings that it does not have go; everything else is for the check to judge. */
function dropForeign(group: Json, path: string, value: unknown, note: Note): void {
  const variants = specFields().filter(({ when }) => when?.path === path);
  const own = variants.filter(({ when }) => when?.equals === value).map(({ key }) => key);
  if (typeof value !== 'string' || variantMeta(path, value) === null) return;
  const foreign = variants.map(({ key }) => key).filter((key) => !own.includes(key) && key in group);
  for (const key of new Set(foreign)) {
    delete group[key];
    note(`${path.replace(/[^.]+$/, key)} is left out: ${value} has no such setting.`);
  }
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Paths in a file mean the same wherever the command is called. Names of the library stay. */
function absolutePaths(spec: Json, base: string): void {
  const fix = (holder: Json, key: string) => {
    const value = holder[key];
    if (typeof value !== 'string' || value === '' || value.startsWith('library:')) return;
    holder[key] = resolve(base, expandHome(value));
  };
  fix(spec, 'model');
  if (isObject(spec.method)) fix(spec.method, 'init_adapter');
  if (Array.isArray(spec.callbacks))
    spec.callbacks = spec.callbacks.map((path) =>
      typeof path === 'string' && path !== '' ? resolve(base, expandHome(path)) : path,
    );
  if (!isObject(spec.dataset)) return;
  fix(spec.dataset, 'train');
  fix(spec.dataset, 'eval');
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (message: string, hint: string) => new CollieError('spec.invalid', message, hint);
