/** Every row of a dataset as tokens, in order and in batches: what statistics, preview and a run's data are made of. */
import { CollieError, type ErrorInfo } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import type { Conversation } from '../tokenize/conversation.ts';
import type { Chat, Message } from '../tokenize/template.ts';
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

/** The error of a row, which it names, counted from 1. */
function ofRow(info: ErrorInfo, index: number): CollieError {
  const { code, message, hint, data } = info;
  if (code !== 'dataset.bad_row' || 'row' in data) return CollieError.fromInfo(info);
  return new CollieError(code, `Row ${index + 1}: ${message}`, hint, { ...data, row: index + 1 });
}

/** One row as ids and mask, untruncated. Errors name the row. */
export async function tokenizeRow(
  row: Row,
  index: number,
  format: RowFormat,
  tokenizer: ChatTokenizer,
): Promise<Conversation> {
  const [made] = await tokenizer.conversations([rowChat(row, index, format.mapping, format.systemPrompt)]);
  if (made === undefined) throw new Error('one row in, one conversation out');
  if ('error' in made) throw ofRow(made.error, index);
  return made;
}

/** The conversation itself; null when the model has no embedding for one of its tokens. */
function withRows(made: Conversation, index: number, tokenizer: ChatTokenizer, unusable: UnusableTally) {
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
  tokenizer: ChatTokenizer,
  onConversation: OnConversation,
  unusable: UnusableTally,
  { signal, onProgress }: TaskOptions = {},
): Promise<void> {
  checkColumns(source.card, format.mapping);
  await readBatches(
    source.rowsPath,
    mappedColumns(format.mapping),
    async (rows, first) => {
      const chats = rows.map((row, k) => {
        try {
          return rowChat(row, first + k, format.mapping, format.systemPrompt);
        } catch (error) {
          return error as Error;
        }
      });
      const usable = chats.filter((one): one is Chat => !(one instanceof Error));
      const conversations = (await tokenizer.conversations(usable)).values();
      for (const [k, chat] of chats.entries()) {
        const made = chat instanceof Error ? chat : conversations.next().value;
        const messages = () => rowChat(rows[k] as Row, first + k, format.mapping, '').messages;
        if (made === undefined) throw new Error('as many conversations out as chats in');
        if (made instanceof Error || 'error' in made) {
          unusable.add(made instanceof Error ? made : ofRow(made.error, first + k), first + k);
          onConversation(null, first + k, messages);
        } else onConversation(withRows(made, first + k, tokenizer, unusable), first + k, messages);
      }
      onProgress?.(Math.min((first + rows.length) / source.card.rows, 1));
    },
    { signal },
  );
}
