/**
 * Which model of the library a run was trained on. The path in its spec may be a link to the folder, or the folder may have been moved
 * and imported again: then its name and its config.json, of which every checkpoint keeps a copy, say which it is. The engine looks at
 * the same (native/rank/serving_models.cpp); the name is asked for as well, because models of one family share their config.
 */
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { newestCheckpoint } from '../runs/checkpoints.ts';
import { folderName } from './folder.ts';

export interface ModelFolder {
  id: string;
  path: string;
}

/** `model` of the run's spec. The id, or null when no model of the library is surely the one. */
export async function modelOfRun(
  runDir: string,
  model: string,
  library: readonly ModelFolder[],
): Promise<string | null> {
  const trained = await orNull(realpath(model));
  if (trained === null) return movedModel(runDir, model, library);
  for (const { id, path } of library) if ((await orNull(realpath(path))) === trained) return id;
  return null;
}

async function movedModel(runDir: string, model: string, library: readonly ModelFolder[]) {
  const checkpoint = newestCheckpoint(runDir);
  if (checkpoint === null) return null;
  const meta = await readJson(join(runDir, runFiles.checkpointsDir, checkpoint.name, 'meta.json'));
  const config = (meta as { config?: unknown } | null)?.config;
  if (config === undefined) return null;
  const found: string[] = [];
  for (const { id, path } of library)
    if (folderName(path) === folderName(model)) {
      const theirs = await readJson(join(path, 'config.json'));
      if (isDeepStrictEqual(theirs, config)) found.push(id);
    }
  return found.length === 1 ? (found[0] ?? null) : null;
}

const orNull = <T>(value: Promise<T>): Promise<T | null> => value.catch(() => null);

/** Null when it is not there, or is none. */
const readJson = (path: string): Promise<unknown> =>
  orNull(readFile(path, 'utf8').then((text) => JSON.parse(text) as unknown));
