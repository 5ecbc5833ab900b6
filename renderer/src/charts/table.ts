/**
 * Growing columns of numbers with the behaviour of an immutable value: `append` and `truncate` return a new Table and
 * the old one keeps its contents. Versions share their memory, so appending to the newest one copies nothing; that is
 * what keeps a live chart of 100,000 steps cheap.
 */

interface Store<K extends string> {
  columns: Record<K, Float64Array>;
  capacity: number;
  /** Rows written by any version. A version shorter than this must copy before it appends. */
  filled: number;
}

const FIRST_CAPACITY = 256;

export class Table<K extends string> {
  readonly names: readonly K[];
  readonly length: number;
  readonly #store: Store<K>;

  private constructor(names: readonly K[], length: number, store: Store<K>) {
    this.names = names;
    this.length = length;
    this.#store = store;
  }

  static empty<K extends string>(names: readonly K[]): Table<K> {
    return new Table(names, 0, makeStore(names, FIRST_CAPACITY));
  }

  /** A view on one column, `length` values long. Read only by convention: never write to it. */
  column(name: K): Float64Array {
    return this.#store.columns[name].subarray(0, this.length);
  }

  /** One value; NaN past the end. */
  at(name: K, row: number): number {
    return row >= 0 && row < this.length ? (this.#store.columns[name][row] ?? Number.NaN) : Number.NaN;
  }

  append(rows: readonly Readonly<Record<K, number>>[]): Table<K> {
    if (rows.length === 0) return this;
    const needed = this.length + rows.length;
    const store = this.#store;
    const target = store.filled === this.length && needed <= store.capacity ? store : this.#copy(needed);
    rows.forEach((row, i) => {
      for (const name of this.names) target.columns[name][this.length + i] = row[name];
    });
    target.filled = needed;
    return new Table(this.names, needed, target);
  }

  /** The first `length` rows. */
  truncate(length: number): Table<K> {
    return length >= this.length ? this : new Table(this.names, Math.max(0, length), this.#store);
  }

  #copy(needed: number): Store<K> {
    let capacity = Math.max(FIRST_CAPACITY, this.length);
    while (capacity < needed) capacity *= 2;
    const store = makeStore(this.names, capacity);
    for (const name of this.names) store.columns[name].set(this.column(name));
    return store;
  }
}

function makeStore<K extends string>(names: readonly K[], capacity: number): Store<K> {
  const columns = {} as Record<K, Float64Array>;
  for (const name of names) columns[name] = new Float64Array(capacity);
  return { columns, capacity, filled: 0 };
}

/** Rows whose value is <= `limit`, in a column that never falls. */
export function countUpTo(sorted: ArrayLike<number>, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the value nearest to `x` in a column that never falls; -1 when it is empty. */
export function nearestIndex(sorted: ArrayLike<number>, x: number): number {
  const after = countUpTo(sorted, x);
  if (after === 0) return sorted.length > 0 ? 0 : -1;
  if (after === sorted.length) return after - 1;
  const below = x - (sorted[after - 1] as number);
  const above = (sorted[after] as number) - x;
  return below <= above ? after - 1 : after;
}
