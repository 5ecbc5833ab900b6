/**
 * The model library: `<folder>/<id>/collie.json` is a model's card. Folders in Hugging Face layout are used in place (the library
 * holds the card only); GGUF files are converted into `<folder>/<id>/`. A half import is never seen: work happens in a hidden
 * folder beside, which gets its name last.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { type ModelCard, modelCardSchema } from '../../shared/api/entities.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import { ownName, removeLeftovers } from '../files/leftovers.ts';
import { writeText } from '../files/write.ts';
import type { ModelsPart, WorkContext } from '../host/parts.ts';
import { checkedFolder, describeFolder, type ModelRecord, withProblem } from './folder.ts';
import { convertGguf, nameOfGguf } from './gguf-import.ts';
import { isModelId, PARTIAL_MODEL, slug, uniqueId } from './ids.ts';
import { type Located, locateModel, nameOfFolder } from './locate.ts';
import type { ModelFolder } from './of-run.ts';

const CARD = 'collie.json';

export class ModelLibrary implements ModelsPart {
  readonly folder: string;
  /** Ids of imports that are under way, so that two of one name do not meet. */
  readonly #reserved = new Set<string>();

  /** `folder`: `$COLLIE_HOME/models`; made when first written to. */
  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  /** Every model, by name. One whose files are gone or broken is listed with its problem. */
  async list(): Promise<ModelCard[]> {
    const cards = await Promise.all((await this.#ids()).map((id) => this.#read(id)));
    return cards.filter((card) => card !== null).sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Where every model is, without a look at its files. */
  async folders(): Promise<ModelFolder[]> {
    const cards = await Promise.all((await this.#ids()).map((id) => this.#stored(id)));
    return cards.flatMap((card) => (card ? [{ id: card.id, path: card.path }] : []));
  }

  /** Throws model.not_found. */
  async get(id: string): Promise<ModelCard> {
    const card = isModelId(id) ? await this.#read(id) : null;
    if (card) return card;
    throw new CollieError(
      'model.not_found',
      `There is no model ${id} in the library.`,
      'Choose a model from the list, or import it.',
      {
        id,
      },
    );
  }

  /**
   * Imports a Hugging Face folder (in place) or a .gguf file (converted). A folder that is there already gives its card again.
   * Throws file.not_found, model.*, gguf.*, disk.full, job.cancelled; after a failure nothing is left behind.
   */
  async import(path: string, name: string, context: WorkContext): Promise<ModelCard> {
    const source = await this.#source(path);
    const title =
      name.trim() || (source.kind === 'gguf' ? nameOfGguf(basename(source.path)) : nameOfFolder(source.path));
    if (source.kind === 'folder') {
      const existing = (await this.list()).find(
        (card) => card.origin === 'folder' && card.path === source.path,
      );
      if (existing) return this.#importInto(existing.id, name.trim() || existing.name, source, context);
    }
    const id = uniqueId(slug(title), [...(await this.#ids()), ...this.#reserved]);
    this.#reserved.add(id);
    try {
      return await this.#importInto(id, title, source, context);
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** As `import`, under an id of the caller's choice; a model of that id is replaced. */
  async importAs(id: string, path: string, name: string, context: WorkContext): Promise<ModelCard> {
    if (!isModelId(id)) throw new CollieError('request.invalid', `${id} cannot be the id of a model.`);
    return this.#importInto(id, name, await this.#source(path), context);
  }

  /** Forgets the model. A converted model's files are deleted; a folder used in place is left alone. */
  async remove(id: string): Promise<void> {
    await this.get(id);
    const doomed = this.#partialName();
    await rename(join(this.folder, id), doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  /**
   * What a spec's `model` means: `library:<id>`, or a path to a Hugging Face folder (relative to `base`).
   * Throws model.not_found, and what is wrong with the folder.
   */
  async resolve(model: string, base: string = process.cwd()): Promise<{ path: string; card: ModelCard }> {
    if (model.startsWith('library:')) {
      const card = await this.get(model.slice('library:'.length));
      if (card.problem) throw CollieError.fromInfo(card.problem);
      return { path: card.path, card };
    }
    const given = isAbsolute(model) ? model : resolve(base, model);
    if (!existsSync(given))
      throw new CollieError(
        'model.not_found',
        `There is no model folder ${given}.`,
        'Check the path, or choose a model of the library.',
        { path: given },
      );
    const { kind, path } = await locateModel(given);
    if (kind === 'gguf')
      throw new CollieError(
        'model.not_found',
        `${path} is a GGUF file, which has to be imported before it is trained.`,
        'Run `collie models import` with it, or import it on the page Models, and choose it from the library.',
        { path },
      );
    const name = nameOfFolder(path);
    const record: ModelRecord = {
      id: slug(name),
      name,
      path,
      origin: 'folder',
      source: path,
      importedAt: new Date(0).toISOString(),
    };
    return { path, card: await describeFolder(record) };
  }

  async #importInto(id: string, name: string, source: Located, context: WorkContext): Promise<ModelCard> {
    await mkdir(this.folder, { recursive: true });
    await removeLeftovers(this.folder, PARTIAL_MODEL);
    const work = this.#partialName();
    const target = join(this.folder, id);
    await mkdir(work);
    try {
      if (source.kind === 'gguf') await convertGguf(source.path, work, context);
      const record = {
        id,
        name,
        origin: source.kind,
        source: source.path,
        importedAt: new Date().toISOString(),
      };
      const checked = await checkedFolder({ ...record, path: source.kind === 'gguf' ? work : source.path });
      const card = { ...checked, path: source.kind === 'gguf' ? target : source.path };
      await writeText(join(work, CARD), `${JSON.stringify(card, null, 2)}\n`, { flush: true });
      if (context.signal.aborted) throw new CollieError('job.cancelled', 'The import was cancelled.');
      await this.#replace(work, target);
      context.progress(1, 'Imported');
      return card;
    } catch (thrown) {
      await rm(work, { recursive: true, force: true });
      throw CollieError.fromInfo(toErrorInfo(thrown));
    }
  }

  /** Puts a finished folder in its place; one that was there goes only then. */
  async #replace(work: string, target: string): Promise<void> {
    const old = this.#partialName();
    const replaced = existsSync(target);
    if (replaced) await rename(target, old);
    await rename(work, target);
    const folder = await open(this.folder, 'r');
    await folder.sync().finally(() => folder.close());
    if (replaced) await rm(old, { recursive: true, force: true });
  }

  async #source(path: string): Promise<Located> {
    const absolute = resolve(path);
    if (!existsSync(absolute))
      throw new CollieError('file.not_found', `There is no file or folder ${absolute}.`, 'Check the path.', {
        path: absolute,
      });
    return locateModel(await realpath(absolute));
  }

  async #ids(): Promise<string[]> {
    if (!existsSync(this.folder)) return [];
    const entries = await readdir(this.folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isModelId(entry.name)).map((entry) => entry.name);
  }

  /** The card as it was written; null when the folder holds no (readable) one. */
  async #stored(id: string): Promise<ModelCard | null> {
    const file = join(this.folder, id, CARD);
    if (!existsSync(file)) return null;
    const { data } = modelCardSchema.safeParse(await readJson(file));
    if (!data) return null;
    // A library that was moved takes its converted models with it.
    return data.origin === 'gguf' ? { ...data, id, path: join(this.folder, id) } : { ...data, id };
  }

  /** The card, its files checked again. */
  async #read(id: string): Promise<ModelCard | null> {
    const card = await this.#stored(id);
    if (card === null) return null;
    try {
      return { ...(await describeFolder(card)), notes: card.notes };
    } catch (thrown) {
      return withProblem(card, thrown);
    }
  }

  #partialName(): string {
    return join(this.folder, `${ownName(PARTIAL_MODEL)}${randomBytes(6).toString('hex')}`);
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}
