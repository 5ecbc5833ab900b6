/** Every optimizer and every method of the schema, with settings that suit a tiny model of random weights. */

import type { RunSpecInput } from '../../electron/shared/spec/run-spec.ts';
import { specFields, variantDefaults } from '../../electron/shared/spec/spec-fields.ts';

/** The values of a setting that is a choice. */
export const optionsOf = (path: string) =>
  (specFields().find((field) => field.path === path)?.options ?? []).map(({ value }) => value);

/** Rates that suit a model of random weights; what is not here takes 0.01. */
export const rates: Record<string, number> = {
  lion: 0.002,
  sophia: 0.002,
  sgd: 0.1,
  lomo: 0.2,
  adalomo: 0.02,
  muon: 0.02,
};
export const methodRates: Record<string, number> = {
  prompt_tuning: 0.1,
  prefix_tuning: 0.05,
  ia3: 0.05,
  bitfit: 0.05,
};

export function optimizer(type: string, rate: number): RunSpecInput['optimizer'] {
  return { ...variantDefaults('optimizer.type', type), learning_rate: rate } as RunSpecInput['optimizer'];
}

export function method(type: string): RunSpecInput['method'] {
  const settings = variantDefaults('method.type', type);
  if ('virtual_tokens' in settings) settings.virtual_tokens = 4;
  if ('last_layers' in settings) settings.last_layers = 1;
  if ('interval' in settings) settings.interval = 2;
  return settings as RunSpecInput['method'];
}
