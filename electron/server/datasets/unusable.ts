/** Rows of a dataset that cannot be trained on: counted by reason, so that they are refused or left out all at once. */
import type { UnusableRows } from '../../shared/api/entities.ts';
import { unusableSentences } from '../../shared/api/unusable-rows.ts';
import { CollieError } from '../../shared/errors.ts';
import { type Reason, reasonTexts } from './bad-row.ts';

const EXAMPLES = 5;
/** When so many rows in a row from the start are of no use, the columns are wrong, not the rows. */
const HOPELESS = 1000;

interface Kind {
  count: number;
  /** The first ones, from 1. */
  examples: number[];
  first: CollieError;
}

export class UnusableTally {
  readonly #kinds = new Map<Reason, Kind>();
  count = 0;

  /** Takes the error of a row; any other error is thrown on. */
  add(error: unknown, index: number): void {
    if (!(error instanceof CollieError) || error.code !== 'dataset.bad_row') throw error;
    const reason = (error.data.reason as Reason | undefined) ?? 'template';
    const key = Object.hasOwn(reasonTexts, reason) ? reason : 'template';
    const kind = this.#kinds.get(key) ?? { count: 0, examples: [], first: error };
    kind.count += 1;
    if (kind.examples.length < EXAMPLES) kind.examples.push(index + 1);
    this.#kinds.set(key, kind);
    this.count += 1;
    if (this.count === index + 1 && this.count >= HOPELESS) throw this.error(index + 1);
  }

  list(): UnusableRows[] {
    return [...this.#kinds].map(([reason, { count, examples, first }]) => ({
      reason,
      what: reasonTexts[reason],
      rows: count,
      examples,
      first: first.message,
    }));
  }

  /** @param total rows that were looked at. */
  error(total: number): CollieError {
    const list = this.list();
    const [only] = list;
    const hint = [...this.#kinds.values()][0]?.first.hint;
    if (this.count === 1 && only) {
      const kind = this.#kinds.get(only.reason as Reason) as Kind;
      return new CollieError('dataset.bad_row', kind.first.message, `${hint} ${LEAVE_OUT}`, kind.first.data);
    }
    return new CollieError(
      'dataset.bad_row',
      `${unusableSentences(list, total).join(' ')} The first: ${only?.first}`,
      `${LEAVE_OUT} ${hint}`,
      { row: Math.min(...list.flatMap(({ examples }) => examples)), rows: this.count, kinds: list },
    );
  }
}

const LEAVE_OUT = 'Or set dataset.unusable_rows to "leave_out": such rows are then left out, all of them.';
