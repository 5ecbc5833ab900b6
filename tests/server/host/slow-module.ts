/** What apart.test.ts runs on a thread of its own. */
import { CollieError } from '../../../electron/shared/errors.ts';

export const double = (value: number) => 2 * value;
export const fails = () => {
  throw new CollieError('model.bad_config', 'No.', 'Do.', { path: '/x' });
};
export const endless = () => {
  for (;;);
};
export const hungry = () => {
  const all: number[][] = [];
  for (;;) all.push(new Array(1000).fill(0));
};
export const ends = () => process.exit(0);
