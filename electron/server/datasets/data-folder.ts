/**
 * What data files a folder holds: splits of a dataset as huggingface_hub, `save_to_disk` and people leave them. A dataset is made of one file,
 * so that the folder itself is refused with the files that can be chosen.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';

const DATA = /\.(jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|txt)(\.(gz|zst|bz2|xz))?$/i;
/** Beside the data: cards, settings of `datasets`, its caches. */
const BESIDE = /^(dataset_infos?|dataset_dict|state|config)\.json$|^(readme|licen[cs]e).*|^cache-.*\.arrow$/i;
/** `models--` is nothing to look into; a cached dataset has its files four folders down (hub, repository, snapshots, commit). */
const DEPTH = 5;
const MOST_FOLDERS = 200;
const MOST_NAMED = 8;

/** Paths of data files below a folder, sorted; links to folders are not followed. */
export async function dataFilesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  let open = [folder];
  let looked = 0;
  for (let depth = 0; depth < DEPTH && open.length > 0; depth += 1) {
    const below: string[] = [];
    for (const path of open) {
      looked += 1;
      if (looked > MOST_FOLDERS) break;
      for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory()) below.push(join(path, entry.name));
        // The files of a cached dataset are links.
        else if (
          (entry.isFile() || entry.isSymbolicLink()) &&
          DATA.test(entry.name) &&
          !BESIDE.test(entry.name)
        )
          found.push(join(path, entry.name));
      }
    }
    open = below.sort();
  }
  return found.sort();
}

/** For a folder in the place of a data file. */
export async function folderError(folder: string): Promise<CollieError> {
  const files = await dataFilesIn(folder);
  const named = files.slice(0, MOST_NAMED).join(', ');
  const more = files.length > MOST_NAMED ? ` and ${files.length - MOST_NAMED} more` : '';
  return new CollieError(
    'dataset.unreadable',
    `${folder} is a folder, not a file${files.length === 0 ? '; no data files were found in it' : ''}.`,
    files.length === 0
      ? 'Choose one JSONL, JSON, CSV, Parquet or Arrow file.'
      : `Choose ${files.length === 1 ? 'its data file' : 'one of its data files'}: ${named}${more}.`,
    { path: folder, files: files.slice(0, 100) },
  );
}

/** `train-00000-of-00002.parquet`: which part of how many; null: a file that is whole. */
export function partOf(name: string): { part: number; parts: number } | null {
  const found = /-(\d{5})-of-(\d{5})\.[^/\\]+$/.exec(name);
  const parts = Number(found?.[2] ?? 0);
  return parts < 2 ? null : { part: Number(found?.[1]) + 1, parts };
}
