/** Every row of a dataset as tokens, in order and in batches: what statistics, preview and a run's data are made of. */
import { CollieError } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import {
  type Conversation,
  encodeConversations,
  type Rendered,
  renderConversation,
} from '../tokenize/conversation.ts';
import type { ModelTokenizer } from '../tokenize/tokenizer.ts';
import type { TaskOptions } from './duckdb.ts';
import type { DatasetSource } from './folder.ts';
import { checkColumns } from './library.ts';
import { mappedColumns, rowMessages } from './messages.ts';
import { type Row, readBatches } from './rows.ts';

/** How a row becomes a conversation. */
export interface RowFormat {
  mapping: Mapping;
  systemPrompt: string;
}

/** One row as segments. Errors name the row, counted from 1. */
export function renderRow(row: Row, index: number, format: RowFormat, tokenizer: ModelTokenizer): Rendered {
  try {
    return renderConversation(rowMessages(row, index, format.mapping, format.systemPrompt), tokenizer);
  } catch (error) {
    if (!(error instanceof CollieError) || error.code !== 'dataset.bad_row' || 'row' in error.data)
      throw error;
    throw new CollieError('dataset.bad_row', `Row ${index + 1}: ${error.message}`, error.hint, {
      ...error.data,
      row: index + 1,
    });
  }
}

/**
 * Tokenizes every row, untruncated. `onConversation` is called for each, in order.
 * Throws dataset.missing_column, dataset.bad_row, model.unsupported_feature, job.cancelled.
 */
export async function tokenizeRows(
  source: DatasetSource,
  format: RowFormat,
  tokenizer: ModelTokenizer,
  onConversation: (conversation: Conversation, index: number) => void,
  { signal, onProgress }: TaskOptions = {},
): Promise<void> {
  checkColumns(source.card, format.mapping);
  await readBatches(
    source.rowsPath,
    mappedColumns(format.mapping),
    async (rows, first) => {
      const rendered = rows.map((row, k) => renderRow(row, first + k, format, tokenizer));
      const conversations = await encodeConversations(rendered, tokenizer);
      for (const [k, conversation] of conversations.entries()) onConversation(conversation, first + k);
      onProgress?.(Math.min((first + rows.length) / source.card.rows, 1));
    },
    { signal },
  );
}
