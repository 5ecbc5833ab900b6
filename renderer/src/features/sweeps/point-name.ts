/** "learning rate 2e-4, rank 8": a point in words. Pure. */
import { settingTitle, writtenValue } from './sweep-points.ts';

export const pointName = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([path, value]) => `${settingTitle(path).toLowerCase()} ${writtenValue(value)}`)
    .join(', ');
