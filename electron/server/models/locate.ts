/**
 * Which folder or file is meant when a path is not quite that of a model: the cache of huggingface_hub, a folder above or below, a file
 * inside, an adapter, a run. One model is found; several, and what is none, are refused with what lies where.
 */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { insteadOfFile, isRegular } from '../files/regular.ts';

export interface Located {
  kind: 'folder' | 'gguf';
  path: string;
}

const WEIGHTS = /\.safetensors$|\.safetensors\.index\.json$/;
const OTHER_WEIGHTS = /^pytorch_model.*\.bin$|^tf_model\.h5$|^flax_model\.msgpack$|^consolidated.*\.pth$/;
const GGUF = /\.gguf$/i;
/** Of a GGUF file in parts, which is read by the name of any. */
const PART = /-\d{5}-of-\d{5}\.gguf$/i;
const FIRST_PART = /-00001-of-\d{5}\.gguf$/i;
/** Of huggingface_hub: `models--<owner>--<name>`. */
const CACHED = /^models--(.+)$/;
const MOST_NAMED = 8;

interface Listing {
  files: string[];
  folders: string[];
}

async function listing(folder: string): Promise<Listing> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = (wanted: (entry: (typeof entries)[number]) => boolean) =>
    entries
      .filter((entry) => wanted(entry) && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  // The files of a cached model are links.
  return {
    files: names((entry) => entry.isFile() || entry.isSymbolicLink()),
    folders: names((entry) => entry.isDirectory()),
  };
}

function refused(path: string, message: string, hint: string): CollieError {
  return new CollieError('model.not_found', message, hint, { path });
}

const named = (paths: readonly string[]) =>
  paths.length > MOST_NAMED
    ? `${paths.slice(0, MOST_NAMED).join(', ')} and ${paths.length - MOST_NAMED} more`
    : paths.join(', ');

const hasWeights = ({ files }: Listing) =>
  files.some((name) => WEIGHTS.test(name) && !name.startsWith('adapter_'));
const isModel = (inside: Listing) => inside.files.includes('config.json') && hasWeights(inside);

/** null: there is no such file. */
const smallText = async (path: string): Promise<string | null> =>
  (await isRegular(path)) ? readFile(path, 'utf8') : null;

async function baseOfAdapter(folder: string): Promise<string | null> {
  try {
    const config = JSON.parse((await smallText(join(folder, 'adapter_config.json'))) ?? '') as object;
    const base = (config as { base_model_name_or_path?: unknown }).base_model_name_or_path;
    return typeof base === 'string' && base !== '' ? base : null;
  } catch {
    return null;
  }
}

async function refuseAdapter(folder: string): Promise<never> {
  const base = await baseOfAdapter(folder);
  throw refused(
    folder,
    `${folder} is an adapter${base === null ? '' : ` of ${base}`}, not a model.`,
    'Choose the base model that it was trained on; a run continues from the adapter by method.init_adapter ("Continue from").',
  );
}

/** The snapshot that `refs/main` names, else the only one. */
async function snapshotOf(cached: string): Promise<string | null> {
  const folders = (await listing(join(cached, 'snapshots')).catch(() => null))?.folders ?? [];
  const main = ((await smallText(join(cached, 'refs/main'))) ?? '').trim();
  const chosen = folders.includes(main) ? main : folders.length === 1 ? folders[0] : undefined;
  if (chosen !== undefined) return join(cached, 'snapshots', chosen);
  if (folders.length === 0) return null;
  const paths = folders.map((name) => join(cached, 'snapshots', name));
  throw refused(
    cached,
    `${cached} holds ${folders.length} versions of a model.`,
    `Choose one: ${named(paths)}.`,
  );
}

/** GGUF files, of one in parts the first only; a projector of pictures (mmproj) only where there is nothing else. */
function ggufs(files: readonly string[]): string[] {
  const all = files.filter((name) => GGUF.test(name) && (!PART.test(name) || FIRST_PART.test(name)));
  const texts = all.filter((name) => !/^mmproj|[-_.]mmproj[-_.]/i.test(name));
  return texts.length > 0 ? texts : all;
}

/** The one GGUF file of a folder; null: none. */
function ggufIn(folder: string, files: readonly string[]): string | null {
  const found = ggufs(files);
  if (found.length === 0) return null;
  if (found.length === 1) return join(folder, found[0] as string);
  const paths = found.map((name) => join(folder, name));
  throw refused(
    folder,
    `${folder} holds ${found.length} GGUF files.`,
    `Choose one of them: ${named(paths)}.`,
  );
}

/** So many folders down, and so many of them: a home folder is not searched through. */
const DEPTH = 3;
const MOST_FOLDERS = 1000;

/** Models below a folder: in it, in the hub of a cache, or a few folders further down. */
async function modelsBelow(
  folder: string,
  { folders }: Listing,
  depth = DEPTH,
  seen = { folders: 0 },
): Promise<Located[]> {
  if (folders.includes('snapshots')) {
    const snapshot = await snapshotOf(folder);
    if (snapshot !== null) return [{ kind: 'folder', path: snapshot }];
  }
  const found: Located[] = [];
  for (const name of folders) {
    seen.folders += 1;
    if (seen.folders > MOST_FOLDERS) break;
    const path = join(folder, name);
    const inside = await listing(path).catch(() => null);
    if (inside === null) continue;
    if (isModel(inside)) found.push({ kind: 'folder', path });
    else if (ggufs(inside.files).length > 0)
      found.push(...ggufs(inside.files).map((file): Located => ({ kind: 'gguf', path: join(path, file) })));
    else if (depth > 1) found.push(...(await modelsBelow(path, inside, depth - 1, seen)));
  }
  return found;
}

/** What a folder without a config.json is, if it is known. */
async function refuseKnown(folder: string, { files, folders }: Listing): Promise<void> {
  if (files.includes('spec.json') && folders.includes('checkpoints'))
    throw refused(
      folder,
      `${folder} is a run, not a model.`,
      'Export a merged model from it, or continue it with `collie run --resume`.',
    );
  const other = files.filter((name) => OTHER_WEIGHTS.test(name));
  if (other.length > 0 && !files.some((name) => WEIGHTS.test(name)))
    throw refused(
      folder,
      `${folder} has weights in an older format only (${named(other)}).`,
      'Load the model with transformers and save it again: save_pretrained writes safetensors.',
    );
  if (folders.includes('blobs') && !folders.includes('snapshots'))
    throw refused(
      folder,
      `${folder} has no snapshots: its download did not come to an end.`,
      'Download the model again.',
    );
  const above = dirname(folder);
  const parent = await listing(above).catch(() => null);
  if (parent === null) return;
  if (isModel(parent))
    throw refused(folder, `${folder} is a part of a model.`, `Choose the folder above it: ${above}.`);
  if (parent.folders.includes('snapshots') && CACHED.test(basename(above)))
    throw refused(folder, `${folder} is a part of a cached model.`, `Choose the folder above it: ${above}.`);
}

async function locateIn(folder: string): Promise<Located> {
  const inside = await listing(folder);
  if (isModel(inside)) return { kind: 'folder', path: folder };
  if (inside.files.includes('adapter_config.json')) return refuseAdapter(folder);
  const gguf = ggufIn(folder, inside.files);
  if (gguf !== null) return { kind: 'gguf', path: gguf };
  const below = inside.files.includes('config.json') ? [] : await modelsBelow(folder, inside);
  if (below.length === 1) return below[0] as Located;
  if (below.length > 1)
    throw refused(
      folder,
      `${folder} holds ${below.length} models.`,
      `Choose one of them: ${named(below.map(({ path }) => path))}.`,
    );
  await refuseKnown(folder, inside);
  return { kind: 'folder', path: folder };
}

async function startsWithGguf(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === 'GGUF';
  } finally {
    await file.close();
  }
}

/** `path` exists and is absolute. A folder that is nothing known comes back as it is: what it lacks is said when it is read. */
export async function locateModel(path: string): Promise<Located> {
  if ((await stat(path)).isDirectory()) return locateIn(path);
  const instead = await insteadOfFile(path);
  if (instead !== null) throw refused(path, `${path} is ${instead}.`, CHOOSE);
  if (GGUF.test(path) || (await startsWithGguf(path))) return { kind: 'gguf', path };
  const folder = dirname(path);
  const inside = await listing(folder).catch(() => null);
  const ofModel = /\.(json|safetensors|jinja|model|txt)$/.test(path) || OTHER_WEIGHTS.test(basename(path));
  if (inside !== null && ofModel) {
    if (isModel(inside)) return { kind: 'folder', path: folder };
    if (basename(path).startsWith('adapter_')) return refuseAdapter(folder);
    if (inside.files.includes('config.json')) await refuseKnown(folder, inside);
  }
  throw new CollieError('gguf.not_gguf', `${path} is neither a GGUF file nor a folder.`, CHOOSE, { path });
}

const CHOOSE = 'Choose a .gguf file, or the folder that holds config.json and the weights.';

/** What people call the model in a folder: a snapshot of a cache is named after its repository, not after its commit. */
export function nameOfFolder(path: string): string {
  const parts = path.replace(/[\\/]+$/, '').split(/[\\/]/);
  const cached = parts.at(-2) === 'snapshots' ? CACHED.exec(parts.at(-3) ?? '') : null;
  return cached?.[1]?.split('--').at(-1) || basename(path.replace(/[\\/]+$/, ''));
}
