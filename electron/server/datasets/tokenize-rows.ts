/** Every row of a dataset as tokens, in order and in batches: what statistics, preview and a run's data are made of. */
import { CollieError } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { type Conversation, encodeConversations } from '../tokenize/conversation.ts';
import { type Rendered, renderConversation } from '../tokenize/segments.ts';
import type { Message } from '../tokenize/template.ts';
import type { ModelTokenizer } from '../tokenize/tokenizer.ts';
import type { TaskOptions } from './duckdb.ts';
import type { DatasetSource } from './folder.ts';
import { checkColumns } from './library.ts';
import { mappedColumns, rowChat } from './messages.ts';
import { type Row, readBatches } from './rows.ts';
import type { UnusableTally } from './unusable.ts';

/** How a row becomes a conversation. */
export interface RowFormat {
  mapping: Mapping;
  systemPrompt: string;
}

/** One row as segments. Errors name the row, counted from 1. */
export function renderRow(row: Row, index: number, format: RowFormat, tokenizer: ModelTokenizer): Rendered {
  try {
    return renderConversation(rowChat(row, index, format.mapping, format.systemPrompt), tokenizer);
  } catch (error) {
    if (!(error instanceof CollieError) || error.code !== 'dataset.bad_row' || 'row' in error.data)
      throw error;
    throw new CollieError('dataset.bad_row', `Row ${index + 1}: ${error.message}`, error.hint, {
      ...error.data,
      row: index + 1,
    });
  }
}

/** The conversation itself; null when the model has no embedding for one of its tokens. */
function withRows(made: Conversation, index: number, tokenizer: ModelTokenizer, unusable: UnusableTally) {
  const { firstWithoutRow: limit, addedTokens } = tokenizer;
  const foreign = limit === null ? undefined : made.ids.find((id) => id >= limit);
  if (foreign === undefined) return made;
  const text = addedTokens.find(({ id }) => id === foreign)?.text ?? '';
  const error = new CollieError(
    'dataset.bad_row',
    `Row ${index + 1} holds the token ${text} (${foreign}); the embedding of the model has ${limit} rows and none for it.`,
    'Take it out of the row, or use a model whose embedding was enlarged for its tokenizer.',
    { row: index + 1, reason: 'no_row' },
  );
  unusable.add(error, index);
  return null;
}

/** `messages`: what the row says itself, without the system prompt of the format. */
export type OnConversation = (
  conversation: Conversation | null,
  index: number,
  messages: () => readonly Message[],
) => void;

/**
 * Tokenizes every row, untruncated. `onConversation` is called for each, in order; with null for one that cannot be used, which is
 * counted in `unusable`. Throws dataset.missing_column, model.unsupported_feature, job.cancelled; dataset.bad_row when no row of
 * many is of use.
 */
export async function tokenizeRows(
  source: DatasetSource,
  format: RowFormat,
  tokenizer: ModelTokenizer,
  onConversation: OnConversation,
  unusable: UnusableTally,
  { signal, onProgress }: TaskOptions = {},
): Promise<void> {
  checkColumns(source.card, format.mapping);
  await readBatches(
    source.rowsPath,
    mappedColumns(format.mapping),
    async (rows, first) => {
      const rendered = rows.map((row, k) => {
        try {
          return renderRow(row, first + k, format, tokenizer);
        } catch (error) {
          unusable.add(error, first + k);
          return null;
        }
      });
      const usable = rendered.filter((one) => one !== null);
      const conversations = (await encodeConversations(usable, tokenizer)).values();
      for (const [k, one] of rendered.entries()) {
        const messages = () => rowChat(rows[k] as Row, first + k, format.mapping, '').messages;
        const made = one === null ? null : (conversations.next().value ?? null);
        onConversation(made && withRows(made, first + k, tokenizer, unusable), first + k, messages);
      }
      onProgress?.(Math.min((first + rows.length) / source.card.rows, 1));
    },
    { signal },
  );
}
