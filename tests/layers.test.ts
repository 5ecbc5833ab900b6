/** docs/layers.md, enforced: who may import whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { firstCode } from '../renderer/vite.config.ts';

const root = resolve(import.meta.dirname, '..');

/** Folder -> folders it may import from, besides itself and packages. */
const allowed: Record<string, string[]> = {
  'electron/shared': [],
  'electron/server': ['electron/shared'],
  'electron/supervisor': ['electron/shared', 'electron/server'],
  'electron/transport': ['electron/shared', 'electron/server'],
  'electron/main': ['electron/shared', 'electron/server', 'electron/transport'],
  'electron/preload': ['electron/shared'],
  'electron/cli': ['electron/shared', 'electron/server', 'electron/transport'],
  renderer: ['electron/shared', 'assets'],
};

/** Rooms of a folder from the ground up: a room imports from itself and from those before it, types included. */
const rooms: Record<string, string[]> = {
  'electron/shared': ['evaluation', 'spec', 'runs', 'api'],
  'native/core': ['base', 'formats', 'model', 'grid', 'recipe', 'plan', 'library', 'machine'],
};

/** Packages a folder may import; others are free where not named. */
const packages: Record<string, RegExp> = {
  'electron/shared': /^zod$/,
  'electron/server': /^(?!electron$)/,
  'electron/supervisor': /^(?!electron$)/,
};

function filesOf(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}
const sources = (folder: string) => filesOf(folder, /\.(ts|tsx|cts)$/);
const nativeSources = (folder: string) => filesOf(folder, /\.(h|cpp|cu|cuh)$/);

function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** Why the import is not allowed, or null. */
function fault(layer: string, file: string, target: string): string | null {
  const from = relative(root, file);
  if (!target.startsWith('.')) {
    const rule = packages[layer];
    return rule && !rule.test(target) ? `${from} imports the package ${target}` : null;
  }
  const path = relative(root, resolve(dirname(file), target));
  const fits = [layer, ...(allowed[layer] ?? [])].some(
    (folder) => path.startsWith(`${folder}/`) || path === folder,
  );
  return fits ? null : `${from} imports ${path}`;
}

for (const layer of Object.keys(allowed)) {
  test(`${layer} imports only what its layer allows`, () => {
    const files = sources(layer);
    expect(files.length).toBeGreaterThan(0);
    const faults = files.flatMap((file) => imports(file).map((target) => fault(layer, file, target)));
    expect(faults.filter(Boolean)).toEqual([]);
  });
}

/** What a file takes in, as paths from the root. */
function taken(file: string): string[] {
  if (!/\.tsx?$/.test(file))
    return [...readFileSync(file, 'utf8').matchAll(/#include "(core\/[^"]+)"/g)].map((m) => `native/${m[1]}`);
  const relatives = imports(file).filter((target) => target.startsWith('.'));
  return relatives.map((target) => relative(root, resolve(dirname(file), target)));
}

for (const [folder, order] of Object.entries(rooms)) {
  const roomOf = (path: string) => order.indexOf(path.slice(folder.length + 1).split('/')[0] ?? '');
  test(`rooms of ${folder}: every arrow goes down`, () => {
    const files = [...sources(folder), ...nativeSources(folder)];
    const roomless = files.filter((file) => /\.(h|cpp)$/.test(file) && roomOf(relative(root, file)) < 0);
    const faults = files.flatMap((file) =>
      taken(file)
        .filter((path) => path.startsWith(`${folder}/`) && roomOf(path) > roomOf(relative(root, file)))
        .map((path) => `${relative(root, file)} takes in ${path}`),
    );
    expect([...roomless, ...faults]).toEqual([]);
    expect(files.length).toBeGreaterThan(10);
  });
}

/** All that a program loads when it starts: files from the root, and packages. Imports of types alone load nothing. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, target = ''] of text.matchAll(/(?:^|\n)(?:im|ex)port (?!type)[^;'"]*from '([^']+)'/g)) {
    if (target.startsWith('.')) loaded(relative(root, resolve(dirname(join(root, file)), target)), seen);
    else seen.add(target);
  }
  return seen;
}

test("the queue's process, which is started again and again, loads no database", () => {
  const all = loaded('electron/server/queue/main.ts');
  expect(all).toContain('electron/server/datasets/file-hashes.ts');
  expect([...all].filter((name) => name.includes('duckdb'))).toEqual([]);
});

test('the first code of the page loads no package, and is one file', () => {
  const all = [...loaded('renderer/src/main.ts')];
  expect(all.filter((name) => !name.includes('/') || name.startsWith('@'))).toEqual([]);
  expect(all.filter((name) => !firstCode.test(name))).toEqual([]);
  expect(all).toContain('renderer/src/client/exchange.ts');
});

test('sources need nothing of the tests', () => {
  const folders = Object.keys(allowed).filter((folder) => folder.startsWith('electron/'));
  const typescript = [...folders, 'renderer/src'].flatMap(sources);
  const testing = typescript.filter((file) => taken(file).some((path) => path.startsWith('tests/')));
  const native = ['native/core', 'native/engine', 'native/rank', 'native/addon'].flatMap(nativeSources);
  const including = native.filter((file) =>
    /#include\s*[<"](doctest|[./]*tests\/)/.test(readFileSync(file, 'utf8')),
  );
  expect([...testing, ...including]).toEqual([]);
});

test('only the addon includes napi.h, only the communicators MPI and NCCL, and core nothing of libtorch', () => {
  const including = (folder: string, pattern: RegExp) =>
    nativeSources(folder).filter((file) => pattern.test(readFileSync(file, 'utf8')));
  for (const folder of ['native/core', 'native/engine', 'native/rank'])
    expect(including(folder, /#include\s*[<"]napi\.h/)).toEqual([]);
  expect(including('native/core', /#include\s*[<"](ATen|c10|torch)\//)).toEqual([]);
  const communicating = [
    'native/addon',
    'native/core',
    'native/engine',
    'native/rank',
    'native/tests',
  ].flatMap((folder) => including(folder, /#include\s*[<"](mpi|nccl)\.h/));
  expect(communicating.filter((file) => !file.includes('native/engine/parallel/'))).toEqual([]);
  expect(communicating.length).toBeGreaterThan(0);
});
