/** What the host's API and the command line do with datasets: the library, plus everything that needs a tokenizer. */
import type { DatasetCard, DatasetPreview, TokenizedRow, TokenStats } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { trainedTokens, truncateConversation } from '../tokenize/conversation.ts';
import { warningText } from '../tokenize/warnings.ts';
import type { DatasetSource } from './folder.ts';
import { LengthCache, tokenStats } from './lengths.ts';
import { checkColumns, DatasetLibrary } from './library.ts';
import { mappedColumns } from './messages.ts';
import { type Page, readPage } from './rows.ts';
import type { ImportChoices } from './sources.ts';
import { type RowFormat, tokenizeRow } from './tokenize-rows.ts';

/** How long work reports and ends early; the context of a job fits. */
export interface Work {
  readonly signal: AbortSignal;
  progress(fraction: number | null, message?: string): void;
}

export interface TokenizeParams {
  datasetId: string;
  modelId: string;
  mapping: Mapping;
  systemPrompt: string;
  seqLen: number;
}

export class DatasetService {
  readonly library: DatasetLibrary;
  /** Shared with the preview of runs, so that a dataset is tokenized once. */
  readonly lengths = new LengthCache();
  readonly #modelFolder: (id: string) => Promise<string>;

  /** @param modelFolder folder of a model of the library; throws model.not_found. */
  constructor(home: string, modelFolder: (id: string) => Promise<string>) {
    this.library = new DatasetLibrary(home);
    this.#modelFolder = modelFolder;
  }

  list(): Promise<DatasetCard[]> {
    return this.library.list();
  }

  get(id: string): Promise<DatasetCard> {
    return this.library.get(id);
  }

  import(path: string, name: string, work: Work, choices: ImportChoices = {}): Promise<DatasetCard> {
    work.progress(null, 'Reading');
    return this.library.import(path, name, {
      ...choices,
      signal: work.signal,
      onProgress: (fraction) => work.progress(fraction, 'Reading'),
    });
  }

  preview(path: string, work: Work, choices: ImportChoices = {}): Promise<DatasetPreview> {
    work.progress(null, 'Reading');
    return this.library.preview(path, {
      ...choices,
      signal: work.signal,
      onProgress: (fraction) => work.progress(fraction, 'Reading'),
    });
  }

  rows(params: { id: string; offset: number; limit: number; search: string }): Promise<Page> {
    return this.library.rows(params.id, params);
  }

  setMapping(id: string, mapping: Mapping): Promise<DatasetCard> {
    return this.library.setMapping(id, mapping);
  }

  remove(id: string): Promise<void> {
    return this.library.remove(id);
  }

  /** One row as the model sees it. Throws request.invalid for a row that is not there, dataset.bad_row, ... */
  async tokenize(params: TokenizeParams & { row: number }): Promise<TokenizedRow> {
    const source = await this.library.open(params.datasetId);
    const tokenizer = await loadTokenizer(await this.#modelFolder(params.modelId));
    const whole = await tokenizeRow(await readRow(source, params.row, params), params.row, params, tokenizer);
    const cut = truncateConversation(whole, params.seqLen);
    const lost = whole.length - cut.ids.length;
    const warnings = cut.warnings.map((warning) => warningText(warning));
    if (trainedTokens(cut.mask) === 0)
      warnings.push('No token of this row counts in the loss: it is left out of the training.');
    else if (cut.endCutOff)
      warnings.push('The end of the answer falls off: the model does not see where it stops.');
    return {
      ids: [...cut.ids],
      texts: await tokenizer.tokenTexts(cut.ids),
      trained: Array.from(cut.mask, (bit, k) => bit === 1 && k > 0),
      truncated: lost,
      rendered: cut.rendered,
      warnings,
    };
  }

  /** Tokenizes every row (once per dataset, columns and tokenizer). Throws dataset.bad_row, job.cancelled, ... */
  async stats(params: TokenizeParams, work: Work): Promise<TokenStats> {
    const source = await this.library.open(params.datasetId);
    const tokenizer = await loadTokenizer(await this.#modelFolder(params.modelId));
    const lengths = await this.lengths.measure(source, params, tokenizer, {
      signal: work.signal,
      onProgress: (fraction) => work.progress(fraction, 'Counting tokens'),
    });
    return tokenStats(lengths, params.seqLen);
  }
}

async function readRow(source: DatasetSource, row: number, format: RowFormat) {
  checkColumns(source.card, format.mapping);
  const page = await readPage(source.rowsPath, mappedColumns(format.mapping), {
    offset: row,
    limit: 1,
    search: '',
  });
  const found = page.rows[0];
  if (found !== undefined) return found;
  throw new CollieError(
    'request.invalid',
    `The dataset "${source.card.name}" has ${source.card.rows} rows; row ${row + 1} is not there.`,
    'Choose a row within the dataset.',
    { row, rows: source.card.rows },
  );
}
