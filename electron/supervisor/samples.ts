/** samples/samples.jsonl: what the rank generated, as text. */
import { appendFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LineReader } from '../server/runs/event-file.ts';
import { parseLine } from '../server/runs/events.ts';
import { parseEvent, type RunEvent, type Sample } from '../shared/runs/events.ts';
import { eventsFile, runFiles } from '../shared/runs/run-folder.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';

/** Text of generated ids, special tokens left out. */
export type Decode = (ids: number[]) => Promise<string>;

export class SampleFile {
  readonly #path: string;
  readonly #prompts: string[];
  readonly #decode: Decode;
  #samples: Sample[] = [];

  constructor(runDir: string, spec: RunSpec, decode: Decode) {
    this.#path = join(runDir, runFiles.samples);
    this.#prompts = spec.sampling.prompts;
    this.#decode = decode;
    mkdirSync(dirname(this.#path), { recursive: true });
  }

  /** Writes the file anew from the events of earlier attempts: complete even when a supervisor died before decoding. */
  async rebuild(runDir: string): Promise<void> {
    const path = join(runDir, eventsFile(0));
    if (!existsSync(path)) return;
    const reader = new LineReader(path);
    for (let lines = await reader.next(); lines.length > 0; lines = await reader.next()) {
      for (const line of lines) {
        const event = readEvent(line);
        if (event?.type === 'started') this.#drop(event.payload.resumed_from_step);
        if (event?.type === 'sample') this.#samples.push(await this.#text(event));
      }
    }
    this.#writeAll();
  }

  /** Takes note of an event; decodes it when it is a sample. */
  async see(event: RunEvent): Promise<void> {
    if (event.type === 'started' && this.#drop(event.payload.resumed_from_step)) this.#writeAll();
    if (event.type !== 'sample') return;
    const sample = await this.#text(event);
    this.#samples.push(sample);
    appendFileSync(this.#path, `${JSON.stringify(sample)}\n`);
  }

  /** Samples of steps that a resume made void. Returns whether there were any. */
  #drop(resumedFrom: number): boolean {
    const kept = this.#samples.filter((sample) => sample.step <= resumedFrom);
    const dropped = kept.length < this.#samples.length;
    this.#samples = kept;
    return dropped;
  }

  async #text(event: Extract<RunEvent, { type: 'sample' }>): Promise<Sample> {
    const { prompt_index, ids, finish } = event.payload;
    const prompt = this.#prompts[prompt_index] ?? '';
    return { step: event.step, promptIndex: prompt_index, prompt, text: await this.#decode(ids), finish };
  }

  #writeAll(): void {
    const temporary = `${this.#path}.tmp`;
    writeFileSync(temporary, this.#samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
    renameSync(temporary, this.#path);
  }
}

/** The event of a line, torn beginnings cut off; null when it is none that we know. */
export function readEvent(line: string): RunEvent | null {
  const raw = parseLine(line);
  if (raw === null) return null;
  try {
    return parseEvent(JSON.stringify(raw));
  } catch {
    return null;
  }
}
