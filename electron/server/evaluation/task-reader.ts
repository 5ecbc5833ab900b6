/** Values of a benchmark's row. */
import type { Instruction } from '../../shared/evaluation/ifeval/follow.ts';
import { instructionKind } from '../../shared/evaluation/ifeval/instructions.ts';
import { badRow, describe } from '../datasets/bad-row.ts';
import type { Row } from '../datasets/rows.ts';

/** Values of a row, checked. */
export class Reader {
  readonly #row: Row;
  readonly #index: number;

  constructor(row: Row, index: number) {
    this.#row = row;
    this.#index = index;
  }

  fail(column: string, expected: string): never {
    throw badRow(
      this.#index,
      column,
      `it holds ${describe(this.#row[column])}, ${expected} is expected.`,
      'content',
    );
  }

  has = (column: string) => this.#row[column] !== undefined && this.#row[column] !== null;

  text(column: string): string {
    const value = this.#row[column];
    return typeof value === 'string'
      ? value
      : typeof value === 'number'
        ? String(value)
        : this.fail(column, 'a text');
  }

  texts(column: string): string[] {
    const value = this.#row[column];
    return Array.isArray(value) && value.every((one) => typeof one === 'string')
      ? value
      : this.fail(column, 'a list of texts');
  }

  /** `{text: [...], label: [...]}`, or a list of `{text, label}`. */
  labelled(column: string): { texts: string[]; names: string[] } {
    const value = this.#row[column] as
      | { text?: unknown; label?: unknown }
      | { text: string; label: string }[];
    if (Array.isArray(value))
      return { texts: value.map(({ text }) => text), names: value.map(({ label }) => label) };
    const { text, label } = value ?? {};
    if (!Array.isArray(text) || !Array.isArray(label)) return this.fail(column, 'texts and labels');
    return { texts: text.map(String), names: label.map(String) };
  }

  /** The place of one of `count`: a whole number, written as one or as a text. */
  place(column: string, count: number, first = 0): number {
    const value = this.#row[column];
    const place = (typeof value === 'boolean' ? Number(value) : Number(value ?? Number.NaN)) - first;
    return Number.isInteger(place) && place >= 0 && place < count
      ? place
      : this.fail(column, `a number from ${first} to ${count - 1 + first}`);
  }

  /** `instruction_id_list` and `kwargs`, of which only those with a value are settings of the instruction. */
  instructions(): Instruction[] {
    const ids = this.texts('instruction_id_list');
    const all = this.#row.kwargs;
    if (!Array.isArray(all) || all.length !== ids.length)
      return this.fail('kwargs', `a list of ${ids.length} objects`);
    return ids.map((id, k) => {
      const given = typeof all[k] === 'string' ? parsed(all[k]) : (all[k] ?? {});
      if (typeof given !== 'object' || given === null) return this.fail('kwargs', 'a list of objects');
      const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
      try {
        instructionKind(id).check(settings);
      } catch (thrown) {
        if (!(thrown instanceof RangeError)) throw thrown;
        throw badRow(this.#index, 'instruction_id_list', `${id}: ${thrown.message}.`, 'content');
      }
      return { id, settings };
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
