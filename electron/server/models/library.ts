/**
 * The model library: `<folder>/<id>/collie.json` is a model's card. Folders in Hugging Face layout are used in place (the library
 * holds the card only); GGUF files are converted into `<folder>/<id>/`. A half import is never seen: work happens in a hidden
 * folder beside, which gets its name last.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { type ChatTemplateInfo, type ModelCard, modelCardSchema } from '../../shared/api/entities.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import { ownName, removeLeftovers } from '../files/leftovers.ts';
import { writeText } from '../files/write.ts';
import { moduleBeside, runApart } from '../host/apart.ts';
import type { ModelsPart, WorkContext } from '../host/parts.ts';
import { describeTemplate, placeTemplate, TEMPLATE_FILE, tryTemplate } from './chat-template.ts';
import { refuseStandIns } from './fit.ts';
import { checkedFolder, describeFolder, type ModelRecord, withProblem } from './folder.ts';
import { type MadeTokenizer, tokenizerSource } from './folder-tokenizer.ts';
import { convertGguf, nameOfGguf } from './gguf-import.ts';
import { isModelId, PARTIAL_MODEL, slug, uniqueId } from './ids.ts';
import { linkFolder } from './linked-folder.ts';
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
    // A folder that was used in place before it got files of its own here: older runs name it.
    return cards.flatMap((card) =>
      card
        ? [...new Set([card.path, ...(card.origin === 'folder' ? [card.source] : [])])].map((path) => ({
            id: card.id,
            path,
          }))
        : [],
    );
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
        (card) => card.origin === 'folder' && card.source === source.path,
      );
      if (existing) return this.#importAgain(existing, name.trim() || existing.name, source, context);
    }
    const id = uniqueId(slug(title), [...(await this.#ids()), ...this.#reserved]);
    this.#reserved.add(id);
    try {
      return await this.#importInto(id, title, source, context);
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** A template that was written here stays. */
  async #importAgain(existing: ModelCard, name: string, source: Located, context: WorkContext) {
    const edited = existing.made.includes(TEMPLATE_FILE)
      ? await readFile(join(this.folder, existing.id, TEMPLATE_FILE), 'utf8').catch(() => null)
      : null;
    const card = await this.#importInto(existing.id, name, source, context);
    if (edited === null) return card;
    await this.setTemplate(card.id, edited);
    return this.get(card.id);
  }

  /** As `import`, under an id of the caller's choice; a model of that id is replaced. */
  async importAs(id: string, path: string, name: string, context: WorkContext): Promise<ModelCard> {
    if (!isModelId(id)) throw new CollieError('request.invalid', `${id} cannot be the id of a model.`);
    return this.#importInto(id, name, await this.#source(path), context);
  }

  /** The model's chat template. Throws model.*. */
  async template(id: string): Promise<ChatTemplateInfo> {
    return describeTemplate(await this.get(id));
  }

  /** Another template in place of the model's; null: its own again. A folder outside stays as it is. Throws model.*. */
  async setTemplate(id: string, text: string | null): Promise<ChatTemplateInfo> {
    const card = await this.get(id);
    if (card.problem) throw CollieError.fromInfo(card.problem);
    if (text !== null) await tryTemplate(card.path, text);
    const others = card.made.filter((name) => name !== TEMPLATE_FILE);
    const target = join(this.folder, id);
    const changed = { ...card, path: target, made: text === null ? others : [...others, TEMPLATE_FILE] };
    if (card.path === target) {
      await placeTemplate(target, card.source, text);
      await this.#write(target, changed);
    } else if (text !== null) {
      const work = this.#partialName();
      await mkdir(work);
      await linkFolder(card.source, work, { [TEMPLATE_FILE]: text });
      await this.#write(work, changed);
      await this.#replace(work, target);
    }
    return this.template(id);
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
      made: [],
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
      const { path, made, notes } = await this.#content(source, work, context);
      const record = {
        id,
        name,
        origin: source.kind,
        source: source.path,
        importedAt: new Date().toISOString(),
        made,
      };
      const checked = await checkedFolder({ ...record, path });
      const card = { ...checked, path: path === work ? target : path, notes: [...notes, ...checked.notes] };
      await this.#write(work, card);
      if (context.signal.aborted) throw new CollieError('job.cancelled', 'The import was cancelled.');
      await this.#replace(work, target);
      context.progress(1, 'Imported');
      return card;
    } catch (thrown) {
      await rm(work, { recursive: true, force: true });
      throw CollieError.fromInfo(toErrorInfo(thrown));
    }
  }

  /** Fills the model's folder in the library with what has to be made; the path is that of the model's files. */
  async #content(source: Located, work: string, context: WorkContext) {
    if (source.kind === 'gguf') {
      await convertGguf(source.path, work, context);
      return { path: work, made: [], notes: [] };
    }
    await refuseStandIns(source.path);
    if (existsSync(join(source.path, 'tokenizer.json')) || tokenizerSource(source.path) === null)
      return { path: source.path, made: [], notes: [] };
    context.progress(0.1, 'Making tokenizer.json');
    const limits = {
      seconds: 120,
      memoryMb: 2048,
      what: `The tokenizer of ${source.path}`,
      signal: context.signal,
    };
    const module = moduleBeside(import.meta.url, 'folder-tokenizer');
    const made = await runApart<MadeTokenizer>(module, 'makeTokenizer', [source.path], limits);
    await linkFolder(source.path, work, made.files);
    return { path: work, made: Object.keys(made.files), notes: [made.note] };
  }

  #write(folder: string, card: ModelCard): Promise<void> {
    return writeText(join(folder, CARD), `${JSON.stringify(card, null, 2)}\n`, { flush: true });
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
    // A library that was moved takes its converted models with it, and those that it has files for.
    const inside = data.origin === 'gguf' || existsSync(join(this.folder, id, 'config.json'));
    return { ...data, id, path: inside ? join(this.folder, id) : data.path };
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
