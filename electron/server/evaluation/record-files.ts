/** Files of JSON lines, written in one piece. */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeTextSync } from '../files/write.ts';

export function writeJsonLines(path: string, values: readonly unknown[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeTextSync(`${path}.tmp`, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  renameSync(`${path}.tmp`, path);
}
