/** Rows that cannot be trained on, in sentences: the same in the page, the log and on the command line. */
import type { UnusableRows } from './entities.ts';

const rowsOf = ({ rows, examples }: UnusableRows) =>
  `${rows === 1 ? 'row' : 'rows'} ${examples.join(', ')}${rows > examples.length ? ', ...' : ''}`;

/** "3 of 100 rows have a null or blank answer (rows 4, 9, 12)." */
export const unusableSentences = (list: readonly UnusableRows[], total: number): string[] =>
  list.map((kind) => `${kind.rows} of ${total} rows ${kind.what} (${rowsOf(kind)}).`);
