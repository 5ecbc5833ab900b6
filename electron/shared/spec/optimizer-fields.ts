/** Fields that several optimizers have, with their words and ranges. */
import { z } from 'zod';
import { type FieldMeta, int, meta } from './field-meta.ts';

/** @param rateFactor the recommended rate as a multiple of AdamW's (spec/learning-rates.ts). */
export const learningRate = (rateFactor: number, help: string, title = 'Learning rate') =>
  z
    .number()
    .positive()
    .max(1)
    .nullable()
    .default(null)
    .meta(
      meta({
        title,
        help: `Peak of the schedule; null: the recommended one for method and optimizer. ${help}`,
        scale: 'log',
        rateFactor,
      }),
    );

export const beta = (title: string, byDefault: number, max: number, help: string) =>
  z
    .number()
    .min(0)
    .max(max)
    .default(byDefault)
    .meta(meta({ title, help, advanced: true, step: max > 0.9999 ? 0.001 : 0.01 }));

export const beta1 = (byDefault = 0.9) =>
  beta('Beta 1', byDefault, 0.9999, 'EMA coefficient of the gradient (first moment).');
export const beta2 = (byDefault = 0.999, help = 'EMA coefficient of the squared gradient (second moment).') =>
  beta('Beta 2', byDefault, 0.99999, help);

/** Small positive constants and thresholds. */
export const small = (title: string, byDefault: number, help: string, max = 1) =>
  z
    .number()
    .positive()
    .max(max)
    .default(byDefault)
    .meta(meta({ title, help, advanced: true, scale: 'log' }));
export const eps = (title = 'Epsilon') =>
  small(title, 1e-8, 'Added to the denominator, which keeps the division finite.');

export const weightDecay = (how = 'decoupled from the gradient') =>
  z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .meta(
      meta({
        title: 'Weight decay',
        help: `Pulls weights to zero, ${how}. Norms and biases are never decayed.`,
        step: 0.01,
      }),
    );

export const momentum = (byDefault: number) =>
  z
    .number()
    .min(0)
    .max(0.9999)
    .default(byDefault)
    .meta(meta({ title: 'Momentum', help: 'Momentum coefficient. 0: no momentum.', step: 0.05 }));

export const flag = (title: string, byDefault: boolean, help: string) =>
  z
    .boolean()
    .default(byDefault)
    .meta(meta({ title, help, advanced: true }));

/** Adafactor and AdaLomo. */
export const factored = {
  decay_rate: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.8)
    .meta(
      meta({
        title: 'Decay rate',
        help: 'The EMA coefficient of the second moment grows as 1 - step^-rate.',
        advanced: true,
        step: 0.05,
      }),
    ),
  eps2: small(
    'Least weight size',
    1e-3,
    'Updates are relative to the RMS of a matrix, but never to less than this.',
  ),
  clip_threshold: small('Update threshold', 1, 'Updates with a larger RMS are scaled down to it.', 1000),
};

export const FUSED =
  'The update runs inside the backward pass: no accumulation, and clipping by the global norm costs a second backward pass.';

export const arxiv = (title: string, number: string) => ({ title, url: `https://arxiv.org/abs/${number}` });

/** A whole number the user counts in `unit`. */
export const count = (
  title: string,
  range: [number, number],
  byDefault: number,
  help: string,
  unit?: string,
) =>
  int(...range)
    .default(byDefault)
    .meta(meta({ title, help, ...(unit ? { unit } : { advanced: true }) }));

export const choice = <const T extends readonly [string, ...string[]]>(
  title: string,
  options: T,
  byDefault: T[number],
  help: string,
) =>
  z
    .enum(options)
    .default(byDefault as never)
    .meta(meta({ title, help, advanced: true }));

/** Fields by the names of the schema, as one variant of the union. */
export const optimizer = <T extends string, F extends z.ZodRawShape>(
  type: T,
  fields: F,
  shown: FieldMeta & { family: string; paper: { title: string; url: string } },
) => z.strictObject({ type: z.literal(type), ...fields }).meta(meta(shown));
