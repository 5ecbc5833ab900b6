/** Tags of a run: the library's, in `runs/<id>.tags.json` beside the folder, so that neither spec nor record of the run ever changes. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { tagSchema } from '../../shared/api/entities.ts';
import { writeJsonAtomic } from './folder.ts';

const tagsPath = (runDir: string) => `${runDir}.tags.json`;
const tagsSchema = z.array(tagSchema);

/** In the order they were given; none without a file, or for one that cannot be read. */
export function readTags(runDir: string): string[] {
  try {
    return tagsSchema.parse(JSON.parse(readFileSync(tagsPath(runDir), 'utf8')));
  } catch {
    return [];
  }
}

/** Each once; without any, the file goes. */
export async function writeTags(runDir: string, tags: readonly string[]): Promise<void> {
  const unique = [...new Set(tags)];
  if (unique.length === 0) await rm(tagsPath(runDir), { force: true });
  else writeJsonAtomic(tagsPath(runDir), unique);
}
