/** How reports of studies write things. */
import { basename } from 'node:path';

export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits));
export const modelName = (model: string): string => basename(model);
