/** The Python environment of the reference tier: made by pip, or named by the developer, or absent with a reason. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { ensureVenv } from '../../electron/cli/bench/python.ts';

const root = resolve(import.meta.dirname, '../..');

export type PythonChoice = { python: string; skip: null } | { python: null; skip: string };

/**
 * COLLIE_REFERENCE_PYTHON when it is set (then it must work), else native/.deps/reference-venv from
 * tests/reference/requirements.txt. Prints why where neither can be had.
 */
export async function referencePython(): Promise<PythonChoice> {
  const named = process.env.COLLIE_REFERENCE_PYTHON;
  if (named) {
    const result = spawnSync(named, ['-c', 'import torch, transformers, peft, numpy'], { encoding: 'utf8' });
    if (result.status !== 0)
      throw new Error(`COLLIE_REFERENCE_PYTHON=${named}: ${result.stderr ?? result.error}`);
    return { python: named, skip: null };
  }
  try {
    const python = await ensureVenv(
      join(root, 'native/.deps/reference-venv'),
      join(root, 'tests/reference/requirements.txt'),
      (line) => console.log(line),
    );
    return { python, skip: null };
  } catch (error) {
    const skip = `Reference tests are skipped: ${error instanceof Error ? error.message : error}`;
    console.warn(skip);
    return { python: null, skip };
  }
}

/** Runs a script to its end; throws with what it wrote when it fails. */
export function runPython(python: string, args: string[]): void {
  const result = spawnSync(python, args, { encoding: 'utf8', env: { ...process.env, HF_HUB_OFFLINE: '1' } });
  if (result.status !== 0)
    throw new Error(`python ${args.join(' ')} failed:\n${result.stderr}${result.error ?? ''}`);
}
