/** The events that all ranks of an attempt append to their files. */
import { join } from 'node:path';
import { endOfLines, LineReader } from '../server/runs/event-file.ts';
import { eventsFile } from '../shared/runs/run-folder.ts';

export class RankEvents {
  readonly #readers: LineReader[];

  /** From the present ends of the files: what stands there is of earlier attempts. */
  constructor(runDir: string, world: number) {
    this.#readers = Array.from({ length: world }, (_, rank) => {
      const path = join(runDir, eventsFile(rank));
      return new LineReader(path, endOfLines(path));
    });
  }

  /** New whole lines, those of lower ranks first; empty when there are none. */
  async next(): Promise<string[]> {
    const lines: string[] = [];
    for (const reader of this.#readers) lines.push(...(await reader.next()));
    return lines;
  }
}
