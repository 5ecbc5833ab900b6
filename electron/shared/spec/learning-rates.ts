/**
 * Learning rates: what is recommended for a method with an optimizer, and what is usual. A spec without a rate (null) means the
 * recommended one wherever it is read: form, command line, preview and spec.json take it from here.
 */
import type { z } from 'zod';
import type { FieldMeta, MethodTraits } from './field-meta.ts';
import { type MethodType, methodSchema } from './methods.ts';
import { type OptimizerSettings, optimizerSchema } from './optimizers.ts';

/** An optimizer of a RunSpec: its learning rates are numbers. */
export type OptimizerSpec = WithRates<OptimizerSettings>;
type WithRates<T> = T extends unknown
  ? { [K in keyof T]: K extends `${string}learning_rate` ? number : T[K] }
  : never;

/** Learning rates of an optimizer by key, each with its multiple of AdamW's. Empty for a name that is none. */
function rateFactors(optimizer: string): Map<string, number> {
  const shape = optimizerSchema.options.find((option) => option.shape.type.value === optimizer)?.shape ?? {};
  const factors = Object.entries(shape).flatMap(([key, field]): [string, number][] => {
    const { rateFactor } = ((field as z.ZodType).meta() ?? {}) as Partial<FieldMeta>;
    return rateFactor === undefined ? [] : [[key, rateFactor]];
  });
  return new Map(factors);
}

/** Keys of the learning rates of an optimizer. */
export const rateKeys = (optimizer: string): string[] => [...rateFactors(optimizer).keys()];

/** Recommended learning rate and usual range; `key`: of another rate of the optimizer (Muon has one for what is no matrix). */
export function usualRate(
  method: MethodType,
  optimizer: string,
  key = 'learning_rate',
): MethodTraits['usualRate'] {
  const row = methodSchema.options.find((option) => option.shape.type.value === method);
  const usual = ((row?.meta() ?? {}) as Partial<FieldMeta>).traits?.usualRate;
  const factor = rateFactors(optimizer).get(key);
  if (!usual || factor === undefined)
    throw new Error(`No learning rate is known for ${method} with ${optimizer}, ${key}.`);
  const rounded = (rate: number) => Number(Math.min(1, rate * factor).toPrecision(2));
  return { low: rounded(usual.low), start: rounded(usual.start), high: rounded(usual.high) };
}

/** What `learning_rate: null` stands for. */
export const recommendedRate = (method: MethodType, optimizer: string, key = 'learning_rate'): number =>
  usualRate(method, optimizer, key).start;

/** The optimizer with a number for every learning rate that is null. */
export function withRates(method: MethodType, optimizer: OptimizerSettings): OptimizerSpec {
  const open = rateKeys(optimizer.type).filter((key) => (optimizer as Record<string, unknown>)[key] === null);
  const rates = open.map((key) => [key, recommendedRate(method, optimizer.type, key)]);
  return { ...optimizer, ...Object.fromEntries(rates) } as OptimizerSpec;
}
