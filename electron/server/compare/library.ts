/** Saved comparisons: $COLLIE_HOME/comparisons/<id>.json. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import {
  type ComparisonView,
  type SavedComparison,
  savedComparisonSchema,
} from '../../shared/runs/comparison.ts';
import { writeJsonAtomic } from '../runs/folder.ts';

export class ComparisonLibrary {
  readonly #root: string;

  constructor(home: string) {
    this.#root = join(home, 'comparisons');
  }

  /** Newest first; files that cannot be read are left out. */
  list(): SavedComparison[] {
    if (!existsSync(this.#root)) return [];
    const saved = readdirSync(this.#root)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .flatMap((name) => {
        try {
          return [this.#read(name.slice(0, -5))];
        } catch {
          return [];
        }
      });
    return saved.sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
  }

  /** Throws request.invalid where there is none, file.unreadable where its file is damaged. */
  get(id: string): SavedComparison {
    if (/^[a-z0-9-]+$/.test(id) && existsSync(this.#path(id))) {
      try {
        return this.#read(id);
      } catch {
        const path = this.#path(id);
        throw new CollieError(
          'file.unreadable',
          `${path} is no saved comparison.`,
          'Remove the file, and save the comparison again.',
          { path },
        );
      }
    }
    throw new CollieError(
      'request.invalid',
      `There is no saved comparison ${id}.`,
      '`compare.list` of the API names those that are there.',
      { id },
    );
  }

  /** A new one without an id, else the one of that id again. */
  save(name: string, view: ComparisonView, id: string | null): SavedComparison {
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    const now = new Date().toISOString();
    const before = id === null ? null : this.get(id);
    const saved: SavedComparison = {
      v: 1,
      id: before?.id ?? `c${randomBytes(5).toString('hex')}`,
      name,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
      view,
    };
    writeJsonAtomic(this.#path(saved.id), saved);
    return saved;
  }

  remove(id: string): void {
    rmSync(this.#path(this.get(id).id), { force: true });
  }

  #path(id: string): string {
    return join(this.#root, `${id}.json`);
  }

  #read(id: string): SavedComparison {
    return savedComparisonSchema.parse(JSON.parse(readFileSync(this.#path(id), 'utf8')));
  }
}
