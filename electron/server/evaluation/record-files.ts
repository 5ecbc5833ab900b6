/** Files of JSON lines, written in one piece. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceTextSync } from '../files/write.ts';

export function writeJsonLines(path: string, values: readonly unknown[]): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceTextSync(path, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}
