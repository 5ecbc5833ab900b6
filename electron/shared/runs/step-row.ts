/** A step of rank 0 as a reader of bytes gives it: one list of names for many steps, and the numbers of this one. */
export interface StepRow {
  type: 'row';
  seq: number;
  step: number;
  timeUs: number;
  /** The same list as long as its contents are the same. */
  names: readonly string[];
  /** NaN: not finite. Filled anew by the next step: who wants to keep them copies them. */
  values: Float64Array;
}

/** By the place of its name, -1 for none. null: not measured, or not finite. */
export function inRow({ values }: StepRow, place: number): number | null {
  const value = values[place];
  return value === undefined || Number.isNaN(value) ? null : value;
}
