/** What follows from a method: names, texts, exports. Read out of the schema (methods.ts). Pure. */
import { z } from 'zod';
import type { MethodTraits } from './field-meta.ts';
import type { Method, MethodType } from './methods.ts';
import { variantMeta } from './spec-fields.ts';

export const exportKindSchema = z.enum(['adapter', 'merged']);
export type ExportKind = z.infer<typeof exportKindSchema>;

/** Throws for a type that the schema does not have. */
export function methodTraits(type: MethodType): MethodTraits {
  const traits = variantMeta('method.type', type)?.traits;
  if (!traits) throw new Error(`The method ${type} has no traits in methods.ts.`);
  return traits;
}

/** "LoRA" */
export const methodTitle = (type: MethodType): string => variantMeta('method.type', type)?.title ?? type;

/** Inside of a sentence: "LoRA", "full fine-tuning". */
export const methodInSentence = (type: MethodType): string =>
  methodTitle(type).replace(/^[A-Z](?=[a-z]+ )/, (letter) => letter.toLowerCase());

/** "AdamW" */
export const optimizerTitle = (type: string): string => variantMeta('optimizer.type', type)?.title ?? type;

/** Puts settings into a text of the schema: "rank {rank}" -> "rank 16". */
const fill = (text: string, settings: object): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    String((settings as Record<string, unknown>)[key] ?? '?'),
  );

/** The method of a run in a few words: "LoRA r16". */
export const methodLabel = (method: Method): string =>
  fill(variantMeta('method.type', method.type)?.short ?? method.type, method);

/** What is trained, to be read after "trains": "LoRA adapters of rank 16". */
export const whatIsTrained = (method: Method): string => fill(methodTraits(method.type).trains, method);

/** What surprises about an export of this kind; null: nothing. */
export function cardNote(method: Method, kind: ExportKind): string | null {
  const note = methodTraits(method.type).cardNotes?.[kind];
  return note === undefined ? null : fill(note, method);
}

export interface Refusal {
  reason: string;
  /** What to do instead. */
  way: string;
}

/** Why a run of this method cannot be exported as this kind, or null: it can. */
export function exportRefusal(type: MethodType, kind: ExportKind): Refusal | null {
  const { adapter, noAdapter, notMergeable } = methodTraits(type);
  const title = methodTitle(type);
  if (kind === 'merged') {
    if (notMergeable === undefined) return null;
    return {
      reason: `${title} cannot be merged into the model: ${notMergeable}.`,
      way: 'Export it as an adapter.',
    };
  }
  if (adapter !== 'none') return null;
  return { reason: `${title} ${noAdapter}.`, way: 'Export it as a merged model.' };
}

/** Kinds of export that this method has, adapters first. */
export const exportKinds = (type: MethodType): ExportKind[] =>
  exportKindSchema.options.filter((kind) => exportRefusal(type, kind) === null);
