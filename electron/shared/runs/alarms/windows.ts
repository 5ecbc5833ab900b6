/** Statistics of the latest values of a series. Pure. */

/** The newest `size` values. */
export class Window {
  readonly #size: number;
  readonly values: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  get full(): boolean {
    return this.values.length === this.#size;
  }

  push(value: number): void {
    this.values.push(value);
    if (this.values.length > this.#size) this.values.shift();
  }

  clear(): void {
    this.values.length = 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation as the median of distances has it: single values far out do not move it. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}
