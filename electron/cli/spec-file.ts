/** Spec files of the command line: JSON, with `--set path=value` on top. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expandHome } from '../server/files/files.ts';
import { CollieError } from '../shared/errors.ts';

type Json = Record<string, unknown>;

/** Reads a spec. Relative paths in it start at the folder of the file. Throws file.not_found, spec.invalid. */
export function readSpecFile(path: string, sets: string[]): Json {
  const text = readFileSync(resolve(path), 'utf8');
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
  absolutePaths(spec, dirname(resolve(path)));
  for (const set of sets) applySet(spec, set);
  return spec;
}

/** `optimizer.learning_rate=1e-4`: the value is JSON, or a plain string where it is none. */
export function applySet(spec: Json, set: string): void {
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
  target[last] = parseValue(set.slice(at + 1));
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
  if (!isObject(spec.dataset)) return;
  fix(spec.dataset, 'train');
  fix(spec.dataset, 'eval');
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (message: string, hint: string) => new CollieError('spec.invalid', message, hint);
