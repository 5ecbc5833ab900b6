/** What a field of the RunSpec shows besides its type and range: the vocabulary of forms, docs and the CLI. */
import { z } from 'zod';

/** What a form field or a docs row shows besides the type and range, which come from zod itself. */
export interface FieldMeta {
  title: string;
  help: string;
  unit?: string;
  /** Shown only when the user opens "Advanced". */
  advanced?: boolean;
  /** A sensible step for number inputs; `log` asks for a logarithmic control. */
  step?: number;
  scale?: 'linear' | 'log';
  paper?: { title: string; url: string };
  /** What the form offers instead of a plain input: pickers of the library, a dataset's columns, a larger text box. */
  control?: 'model' | 'dataset' | 'column' | 'multiline' | 'adapter';
  /** Usual values of a list of texts; others may be typed. */
  suggestions?: string[];
}

/** Titles, help and the like of a schema, in the form zod takes them. */
export const meta = (m: FieldMeta) => m as unknown as Record<string, unknown>;
/** Whole numbers from min to max. */
export const int = (min: number, max: number) => z.number().int().min(min).max(max);
