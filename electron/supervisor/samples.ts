/** samples/samples.jsonl: what the rank generated, as text. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appendTextSync, replaceTextSync } from '../server/files/write.ts';
import { readSeries } from '../server/runs/series-file.ts';
import type { RunEvent, Sample } from '../shared/runs/events.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import { type SamplePoint, upToStep } from '../shared/runs/series.ts';
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
    const { samples } = await readSeries(runDir);
    this.#samples = [];
    for (const sample of samples) this.#samples.push(await this.#text(sample));
    this.#writeAll();
  }

  /** Takes note of an event; decodes it when it is a sample, which it returns. */
  async see(event: RunEvent): Promise<Sample | null> {
    if (event.type === 'started' && this.#drop(event.payload.resumed_from_step)) this.#writeAll();
    if (event.type !== 'sample') return null;
    const sample = await this.#text({ ...event.payload, step: event.step });
    this.#samples.push(sample);
    appendTextSync(this.#path, `${JSON.stringify(sample)}\n`);
    return sample;
  }

  /** Samples of steps that a resume made void. Returns whether there were any. */
  #drop(resumedFrom: number): boolean {
    const kept = upToStep(this.#samples, resumedFrom);
    const dropped = kept.length < this.#samples.length;
    this.#samples = [...kept];
    return dropped;
  }

  async #text({ step, prompt_index, ids, finish }: SamplePoint): Promise<Sample> {
    const prompt = this.#prompts[prompt_index] ?? '';
    return { step, promptIndex: prompt_index, prompt, text: await this.#decode(ids), finish };
  }

  #writeAll(): void {
    replaceTextSync(this.#path, this.#samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  }
}
