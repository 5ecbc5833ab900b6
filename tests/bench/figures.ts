/** What a measurement found: told as it comes, and as a Markdown table at the end. */
import { cpus } from 'node:os';

const figures: [name: string, value: string, wanted: string][] = [];

export function note(name: string, value: string, wanted: string): void {
  figures.push([name, value, wanted]);
  console.error(`${name}: ${value} (wanted ${wanted})`);
}

export function printFigures(): void {
  const head = ['| what | measured | wanted |', '| --- | --- | --- |'];
  const rows = figures.map((row) => `| ${row.join(' | ')} |`);
  console.log(`${cpus().length} cores of ${cpus()[0]?.model}\n\n${[...head, ...rows].join('\n')}`);
}
