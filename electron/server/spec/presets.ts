/** The presets that come with Collie: assets/presets/*.json, partial specs checked against the schema. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Preset, presetSchema } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { installRoot } from '../native/addon.ts';
import { checkSchema } from './schema-issues.ts';
import { standIn } from './stand-in.ts';

async function readPreset(path: string): Promise<Preset> {
  const bad = (what: string) =>
    new CollieError('setup.failed', `The preset ${path} cannot be used: ${what}`, 'Install Collie again.', {
      path,
    });
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw bad((error as Error).message);
  }
  const parsed = presetSchema.safeParse(value);
  if (!parsed.success)
    throw bad(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join(' '));
  const { issues } = checkSchema({ ...standIn, ...parsed.data.spec });
  if (issues.length > 0) throw bad(issues.map((issue) => `${issue.path}: ${issue.message}`).join(' '));
  return parsed.data;
}

/** All presets, in the order of their file names. Throws setup.failed for one that does not fit the schema. */
export async function readPresets(folder = join(installRoot(), 'assets', 'presets')): Promise<Preset[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map((name) => readPreset(join(folder, name))));
}
