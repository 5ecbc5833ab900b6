/** What `collie study` is asked for: defaults, then the file, then the command line. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeText } from '../server/files/text.ts';
import type { Host } from '../server/host.ts';
import { STARTER_MODEL_ID } from '../server/models/starter.ts';
import { CollieError } from '../shared/errors.ts';
import { type StudyDataInput, type StudyInput, type StudyKind, studyDefaults } from '../shared/spec/study.ts';
import { noMapping } from './library.ts';

export interface StudyWishes {
  model: string[];
  /** `<train>` or `<train>=<held out>`. */
  data: string[];
  /** Rows of the held-out data of each that are answered. */
  answers?: number;
  /** JSON of a study, or of a part of one. */
  file?: string;
  layers: number[];
  steps?: number;
}

type Part = Partial<Omit<StudyInput, 'data'>> & { data?: Partial<StudyDataInput>[] };

/** The starter model and the newest dataset of the library where none is named; columns as the library has them, or as they are found in a file. */
export async function studyDefinition(host: Host, kind: StudyKind, wishes: StudyWishes): Promise<StudyInput> {
  const part: Part = wishes.file === undefined ? {} : readPart(wishes.file);
  const named = wishes.data.length > 0 ? wishes.data.map(namedData) : (part.data ?? [await newest(host)]);
  const data = await Promise.all(named.map((one) => mapped(host, one, wishes.answers)));
  return {
    ...{ kind, ...studyDefaults(kind), models: [`library:${STARTER_MODEL_ID}`] },
    ...part,
    data,
    ...(wishes.model.length > 0 ? { models: wishes.model } : {}),
    ...(wishes.layers.length > 0 ? { layers: wishes.layers } : {}),
    ...(wishes.steps === undefined ? {} : { steps: wishes.steps }),
  };
}

const inLibrary = (reference: string) => (reference.startsWith('library:') ? reference : resolve(reference));

function namedData(text: string): Partial<StudyDataInput> {
  const at = text.lastIndexOf('=');
  if (at < 0) return { train: inLibrary(text) };
  return { train: inLibrary(text.slice(0, at)), eval: inLibrary(text.slice(at + 1)) };
}

async function newest(host: Host): Promise<Partial<StudyDataInput>> {
  const [card] = await host.call('datasets.list', {});
  if (card) return { train: `library:${card.id}` };
  throw new CollieError(
    'dataset.not_found',
    'There is no dataset in the library.',
    'Name a file with --data, import one with `collie datasets import`, or call `collie quickstart` once.',
  );
}

async function mapped(
  host: Host,
  data: Partial<StudyDataInput>,
  answers: number | undefined,
): Promise<StudyDataInput> {
  const { train = '' } = data;
  const { card } = await host.services.datasets.library.resolve(train);
  const mapping = data.mapping ?? card.mapping;
  if (!mapping) throw noMapping(card);
  return { ...data, train, mapping, ...(answers === undefined ? {} : { answered_rows: answers }) };
}

function readPart(path: string): Part {
  const text = decodeText(readFileSync(resolve(path)));
  try {
    const part = JSON.parse(text);
    if (typeof part === 'object' && part !== null && !Array.isArray(part)) return part;
  } catch (error) {
    throw invalid(`${path} is no JSON: ${(error as Error).message}`);
  }
  throw invalid(`${path} holds ${text.trim().slice(0, 40)}, not an object.`);
}

const invalid = (message: string) =>
  new CollieError('spec.invalid', message, 'docs/studies.md says what a study holds.', { issues: [] });
