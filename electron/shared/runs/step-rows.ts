/** Steps of rank 0, one after another, as a reader of bytes gives them: the names of their metrics once, and their numbers row by row. */
export interface StepRows {
  type: 'rows';
  /** The same list as long as its contents are the same. */
  names: readonly string[];
  /** Rows without a gap, from `from` to `to`; NaN: not finite. Others are there next: who wants to keep them copies them. */
  values: Float64Array;
  from: number;
  to: number;
}

/** Places in a row. What is read of a row may stand in its place 0. */
export const SEQ = 1;
export const STEP = 2;
export const TIME_US = 3;
export const FIRST_METRIC = 4;

export const widthOf = ({ names }: Pick<StepRows, 'names'>): number => FIRST_METRIC + names.length;

/** Where a metric stands in a row; -1: it is not in there. */
export function placeOf(names: readonly string[], name: string): number {
  const place = names.indexOf(name);
  return place < 0 ? -1 : FIRST_METRIC + place;
}
