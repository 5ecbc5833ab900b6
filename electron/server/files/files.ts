/**
 * What the path picker of the browser shell may see: the home folder, the folder the host was started in, and the folders
 * named in COLLIE_ROOTS. Everything is resolved through symbolic links first, so that none leads outside.
 */
import { existsSync, realpathSync } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { MethodResult } from '../../shared/api/api.ts';
import { CollieError } from '../../shared/errors.ts';

/** Characters: what Linux takes (PATH_MAX). */
const MAX_PATH = 4_095;
/** More entries than this are cut off: a picker is no place for them, and the page must stay quick. */
const MAX_ENTRIES = 5_000;

export class FileBrowser {
  readonly #roots: string[];

  constructor(roots: readonly string[]) {
    this.#roots = roots.filter((root) => existsSync(root)).map((root) => realpathSync(root));
  }

  /** The real path, which need not exist. Throws path.outside for anything not below a root, wherever its links lead. */
  async confine(path: string): Promise<string> {
    requirePath(path);
    const absolute = resolve(expandHome(path));
    const real = await realpathOfMissing(absolute);
    if (!this.#contains(real)) throw outside(absolute, this.#roots);
    return real;
  }

  /** One folder; folders first, by name. Hidden entries and those that lead outside are left out. Empty path: home. */
  async list(path: string): Promise<MethodResult<'files.list'>> {
    const folder = await this.confine(path === '' ? (this.#roots[0] ?? homedir()) : path);
    if ((await stat(folder)).isFile())
      throw new CollieError('file.unreadable', `${folder} is a file, not a folder.`, 'Name its folder.', {
        path: folder,
      });
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).slice(0, MAX_ENTRIES);
    const entries = (await Promise.all(names.map((name) => this.#entry(folder, name)))).filter(
      (entry) => entry !== null,
    );
    entries.sort(
      (left, right) => left.kind.localeCompare(right.kind) * -1 || left.name.localeCompare(right.name),
    );
    const parent = dirname(folder);
    return { path: folder, parent: parent !== folder && this.#contains(parent) ? parent : null, entries };
  }

  async #entry(folder: string, name: string): Promise<MethodResult<'files.list'>['entries'][number] | null> {
    const path = join(folder, name);
    try {
      if (!this.#contains(await realpath(path))) return null;
      const info = await stat(path);
      if (info.isDirectory()) return { name, path, kind: 'folder', sizeBytes: 0 };
      return info.isFile() ? { name, path, kind: 'file', sizeBytes: info.size } : null;
    } catch {
      return null; // A dangling link, or no right to look.
    }
  }

  #contains(path: string): boolean {
    return this.#roots.some((root) => {
      const inside = relative(root, path);
      return inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside));
    });
  }
}

/** Resolves the links of the longest part that exists; what does not exist yet has none. */
async function realpathOfMissing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    // A dangling link exists itself: following it would create its target, wherever that is.
    if (await lstat(path).catch(() => null)) throw error;
    return join(await realpathOfMissing(dirname(path)), basename(path));
  }
}

/** Home, the working folder, and COLLIE_ROOTS (a list like PATH). */
export function defaultRoots(): string[] {
  const extra = (process.env.COLLIE_ROOTS ?? '').split(delimiter).filter((root) => root !== '');
  return [homedir(), process.cwd(), ...extra];
}

/** `~` and `~/x` as a shell would read them. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** Throws file.not_found for what no system takes as a path. */
export function requirePath(path: string): void {
  const problem = path.includes('\0')
    ? 'It has a NUL character'
    : path.length > MAX_PATH
      ? 'It is too long'
      : null;
  if (problem === null) return;
  const shown = path.replaceAll('\0', '\\0').slice(0, 100);
  throw new CollieError(
    'file.not_found',
    `This cannot be a path: ${shown}. ${problem}.`,
    'Check how it is spelled.',
  );
}

function outside(path: string, roots: readonly string[]): CollieError {
  return new CollieError(
    'path.outside',
    `${path} is outside the folders that the workbench may open.`,
    `Choose a path below ${roots.join(', ')}, or add its folder to COLLIE_ROOTS.`,
    { path, roots: [...roots] },
  );
}
