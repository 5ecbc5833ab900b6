/**
 * The named evaluation sets of a run: data/set-<name>.* of each, a token store of documents or a list of prompts, and set-<name>.rows.jsonl, which
 * says what they are. Made with the rest of the run's data, before any training process exists.
 */
import { dirname, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { EvalRow } from '../../shared/runs/evaluation-rows.ts';
import { setPromptsFile, setRowsFile, setSplit } from '../../shared/runs/run-folder.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { replaceText } from '../files/write.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import type { DatasetSource } from './folder.ts';
import type { StoreFactory } from './prepare.ts';
import { tokensHash } from './row-record.ts';
import { ExampleMaker, type SetDocument, type SetExample } from './set-examples.ts';
import { type ChosenRows, chooseRows, MOST_LABELS } from './set-rows.ts';

/** Of one set, in data/meta.json. */
export interface SetTally {
  name: string;
  /** Rows of its data, and those that are evaluated. */
  rows: number;
  evaluated: number;
  warnings: string[];
}

export interface SetJob {
  spec: RunSpec;
  tokenizer: ChatTokenizer;
  dataDir: string;
  store: StoreFactory;
  signal: AbortSignal | undefined;
  open: (reference: string) => Promise<DatasetSource>;
}

/** Throws what reading the data throws, with the name of the set. */
export async function prepareSets(job: SetJob): Promise<SetTally[]> {
  const tallies: SetTally[] = [];
  for (const set of job.spec.evaluation.sets) {
    try {
      tallies.push(await prepareSet(job, set));
    } catch (error) {
      if (!(error instanceof CollieError) || error.code === 'job.cancelled') throw error;
      const { code, message, hint, data } = error;
      throw new CollieError(code, `Evaluation set "${set.name}": ${message}`, hint, data);
    }
  }
  return tallies;
}

async function prepareSet(job: SetJob, set: EvaluationSetSpec): Promise<SetTally> {
  const { spec, tokenizer, signal } = job;
  const source = await job.open(set.data);
  const mapping = set.mapping ?? spec.dataset.mapping;
  const chosen = await chooseRows(source, { set, mapping, systemPrompt: spec.dataset.system_prompt, signal });
  if (chosen.unusable.count > 0 && spec.dataset.unusable_rows === 'refuse')
    throw chosen.unusable.error(chosen.total);
  const maker = new ExampleMaker(set, tokenizer, spec.batch.seq_len, labelsOf(set, chosen));
  const writer = new SetWriter(job, set);
  for (const row of chosen.rows) {
    signal?.throwIfAborted();
    const example = await maker.make(row);
    if ('leftOut' in example) writer.leaveOut(example.leftOut);
    else writer.add(example, row.index);
  }
  await writer.finish();
  return { name: set.name, rows: chosen.total, evaluated: writer.rows, warnings: writer.warnings(chosen) };
}

/** Those of the spec, or the different answers of the data. */
function labelsOf(set: EvaluationSetSpec, { answers, rows }: ChosenRows): readonly string[] {
  const { evaluator } = set;
  if (set.task !== null || evaluator.type !== 'classification' || evaluator.choices !== null) return [];
  if (evaluator.labels.length > 1) return evaluator.labels;
  if (answers !== null && (answers.length > 1 || rows.length === 0)) return answers;
  throw new CollieError(
    'dataset.bad_row',
    answers === null
      ? `the answers of the data are more than ${MOST_LABELS} different ones, which are no labels.`
      : 'all answers of the data are the same, so that there is nothing to choose from.',
    'Write the labels into the set, or name the column with the choices of a row.',
    {},
  );
}

class SetWriter {
  rows = 0;
  readonly #job: SetJob;
  readonly #set: EvaluationSetSpec;
  readonly #lines: string[] = [];
  readonly #prompts: number[][] = [];
  readonly #leftOut = new Map<string, number>();
  #store: ReturnType<StoreFactory['tokenStoreWriter']> | null = null;
  #documents = 0;
  /** Places of documents that rows share, by their tokens. */
  readonly #alone = new Map<string, number>();
  #cut = 0;

  constructor(job: SetJob, set: EvaluationSetSpec) {
    this.#job = job;
    this.#set = set;
  }

  leaveOut(why: string): void {
    this.#leftOut.set(why, (this.#leftOut.get(why) ?? 0) + 1);
  }

  add({ about, documents, alone, prompt, cut }: SetExample, index: number): void {
    const row: EvalRow = { ...about, source_row: index };
    if (documents.length > 0) row.first_document = this.#documents;
    for (const document of documents) this.#append(document);
    if (alone.length > 0) row.alone_documents = alone.map((document) => this.#appendOnce(document));
    if (prompt) this.#prompts.push([...prompt]);
    if (cut > 0) this.#cut += 1;
    this.#lines.push(`${JSON.stringify(row)}\n`);
    this.rows += 1;
  }

  /** Its place in the token store. */
  #append({ ids, mask }: SetDocument): number {
    this.#store ??= this.#job.store.tokenStoreWriter(this.#job.dataDir, setSplit(this.#set.name));
    this.#store.append(ids, mask);
    this.#documents += 1;
    return this.#documents - 1;
  }

  #appendOnce(document: SetDocument): number {
    const key = tokensHash(document);
    const place = this.#alone.get(key) ?? this.#append(document);
    this.#alone.set(key, place);
    return place;
  }

  async finish(): Promise<void> {
    this.#store?.finish();
    const runDir = dirname(this.#job.dataDir);
    if (this.rows === 0) return;
    await replaceText(join(runDir, setRowsFile(this.#set.name)), this.#lines.join(''));
    if (this.#prompts.length === 0) return;
    const prompts = { stop_ids: this.#job.tokenizer.stopIds, prompts: this.#prompts };
    await replaceText(join(runDir, setPromptsFile(this.#set.name)), `${JSON.stringify(prompts)}\n`);
  }

  /** In sentences. */
  warnings({ unusable, rows }: ChosenRows): string[] {
    const { name } = this.#set;
    const said = [...this.#leftOut].map(
      ([why, count]) => `evaluation set "${name}": ${count} of ${rows.length} rows ${why} and were left out.`,
    );
    if (unusable.count > 0)
      said.push(`evaluation set "${name}": ${unusable.count} rows cannot be used and were left out.`);
    if (this.#cut > 0)
      said.push(
        `evaluation set "${name}": ${this.#cut} of ${rows.length} rows are longer than the sequence length and were truncated.`,
      );
    if (this.rows === 0) said.push(`evaluation set "${name}": no row is left to evaluate.`);
    return said;
  }
}
