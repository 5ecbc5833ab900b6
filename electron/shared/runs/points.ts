/**
 * Measured points as growing columns of numbers, with the behaviour of an immutable value: appending and truncating return new
 * Points and the old ones keep their contents. Versions share their memory, so appending to the newest one copies nothing; that is
 * what keeps a live run of 100,000 steps cheap.
 */

/**
 * What x may be. `tokens` counts real tokens since the start, `examples` rows of the training data, `seconds` is time spent running
 * (pauses, and the time between attempts, left out).
 */
export const axes = ['step', 'tokens', 'examples', 'epoch', 'seconds'] as const;
export type Axis = (typeof axes)[number];
export type Place = Record<Axis, number>;

const FIRST_CAPACITY = 256;
const NOTHING = new Float64Array(0);

interface Store {
  axes: Record<Axis, Float64Array>;
  metrics: Map<string, Float64Array>;
  capacity: number;
  /** Rows written by any version. A version shorter than this must copy before it appends. */
  filled: number;
}

export class Points {
  readonly length: number;
  readonly #store: Store;

  /** Use `Points.of`, or `noPoints` and `append`. */
  constructor(length: number, store: Store) {
    this.length = length;
    this.#store = store;
  }

  /** Of columns of `length` values, which nobody else writes to. */
  static of(
    length: number,
    x: Record<Axis, Float64Array>,
    metrics: Readonly<Record<string, Float64Array>>,
  ): Points {
    const columns = new Map(Object.entries(metrics));
    return new Points(length, { axes: x, metrics: columns, capacity: length, filled: length });
  }

  /** Names of the metrics that were ever measured, in the order they came. */
  get names(): string[] {
    return [...this.#store.metrics.keys()];
  }

  /** A view on where the points are, `length` values that never fall. Read only by convention: never write to it. */
  axis(name: Axis): Float64Array {
    return this.#store.axes[name].subarray(0, this.length);
  }

  /** A view on one metric, `length` values, NaN where a point has none of it; empty for a metric that no point has. */
  metric(name: string): Float64Array {
    return this.#store.metrics.get(name)?.subarray(0, this.length) ?? NOTHING;
  }

  /** One value; NaN past the ends. */
  at(name: string, row: number): number {
    return row >= 0 && row < this.length ? (this.#store.metrics.get(name)?.[row] ?? Number.NaN) : Number.NaN;
  }

  /** Where one point is; the origin for a row that is none. */
  place(row: number): Place {
    const { axes: x } = this.#store;
    const at = (name: Axis) => (row >= 0 && row < this.length ? (x[name][row] ?? 0) : 0);
    return {
      step: at('step'),
      tokens: at('tokens'),
      examples: at('examples'),
      epoch: at('epoch'),
      seconds: at('seconds'),
    };
  }

  /** Points whose step is at most this. */
  upTo(step: number): Points {
    const length = countUpTo(this.axis('step'), step);
    return length === this.length ? this : new Points(length, this.#store);
  }

  /** Goes on behind the last point. One appender at a time, closed before the next. */
  append(): Appender {
    const tail = this.#store.filled === this.length;
    return new Appender(this.length, tail ? this.#store : copy(this.#store, this.length));
  }
}

/** Writes points behind those of a version; `close` makes them one. */
export class Appender {
  #length: number;
  #store: Store;
  /** Whose columns are at hand. */
  #names: readonly string[] | null = null;
  #columns: readonly Float64Array[] = [];

  constructor(length: number, store: Store) {
    this.#length = length;
    this.#store = store;
  }

  /** A value that is null, or no number, leaves a gap (NaN). */
  add(place: Place, values: Readonly<Record<string, unknown>>): void {
    const row = this.#next(place);
    const store = this.#store;
    for (const name in values) {
      const value = values[name];
      if (typeof value === 'number') column(store, name)[row] = value;
      else if (value === null) column(store, name);
    }
  }

  /** The same for values in a list, which begin at `from`; quick as long as `names` is the same list. */
  addRow(place: Place, names: readonly string[], values: Float64Array, from: number): void {
    const row = this.#next(place);
    if (names !== this.#names) {
      this.#names = names;
      this.#columns = names.map((name) => column(this.#store, name));
    }
    for (let k = 0; k < names.length; k++)
      (this.#columns[k] as Float64Array)[row] = values[from + k] as number;
  }

  /** The row that begins there. */
  #next({ step, tokens, examples, epoch, seconds }: Place): number {
    const row = this.#length;
    if (row >= this.#store.capacity) {
      this.#store = copy(this.#store, row);
      this.#names = null;
    }
    const { axes: x } = this.#store;
    x.step[row] = step;
    x.tokens[row] = tokens;
    x.examples[row] = examples;
    x.epoch[row] = epoch;
    x.seconds[row] = seconds;
    this.#length = row + 1;
    this.#store.filled = this.#length;
    return row;
  }

  close(): Points {
    return new Points(this.#length, this.#store);
  }
}

function column(store: Store, name: string): Float64Array {
  let values = store.metrics.get(name);
  if (!values) {
    values = new Float64Array(store.capacity).fill(Number.NaN);
    store.metrics.set(name, values);
  }
  return values;
}

/** With room for twice as many rows as there are. */
function copy(from: Store, length: number): Store {
  const store = emptyStore(Math.max(FIRST_CAPACITY, 2 * length));
  for (const name of axes) store.axes[name].set(from.axes[name].subarray(0, length));
  for (const [name, values] of from.metrics) {
    const longer = new Float64Array(store.capacity).fill(Number.NaN, length);
    longer.set(values.subarray(0, length));
    store.metrics.set(name, longer);
  }
  store.filled = length;
  return store;
}

function emptyStore(capacity: number): Store {
  const x = Object.fromEntries(axes.map((name) => [name, new Float64Array(capacity)]));
  return { axes: x as Record<Axis, Float64Array>, metrics: new Map(), capacity, filled: 0 };
}

/** The first append makes a store of its own. */
export const noPoints = new Points(0, { ...emptyStore(0), filled: -1 });

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
