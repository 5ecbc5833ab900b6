/** Speeds that runs have reached on this machine, read from the ends of their event files. */
import { readdirSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { readRange, readSpec } from './folder.ts';
import { environmentOf } from './rebuild.ts';

export interface MeasuredRun {
  spec: RunSpec;
  /** Median of the newest steps. */
  stepSeconds: number;
  /** Real tokens of a step, over all ranks; the mean of the same steps. */
  tokensPerStep: number;
}

/** Newest runs that are looked at. */
const MOST_RUNS = 24;
/** Enough for about a hundred steps. */
const TAIL_BYTES = 64 * 1024;
/** Fewer say little: the first steps warm up caches and allocators. */
const LEAST_STEPS = 4;

export class MeasuredRuns {
  readonly #root: string;
  readonly #known = new Map<string, { stamp: string; run: MeasuredRun | null }>();

  /** `home`: COLLIE_HOME. */
  constructor(home: string) {
    this.#root = join(home, 'runs');
  }

  /** Newest first. Live runs count with the steps they have so far; what cannot be read is left out. */
  list(): MeasuredRun[] {
    // Ids begin with date and time.
    const ids = this.#ids().sort().reverse().slice(0, MOST_RUNS);
    return ids.flatMap((id) => this.#measured(join(this.#root, id)) ?? []);
  }

  #ids(): string[] {
    try {
      return readdirSync(this.#root).filter((name) => !name.startsWith('.'));
    } catch {
      return [];
    }
  }

  #measured(dir: string): MeasuredRun | null {
    try {
      const path = join(dir, eventsFile(0));
      const { size, ino } = statSync(path);
      const stamp = `${ino} ${size}`;
      const known = this.#known.get(dir);
      if (known?.stamp === stamp) return known.run;
      const run = ofThisMachine(dir) ? measure(dir, path, size) : null;
      this.#known.set(dir, { stamp, run });
      return run;
    } catch {
      return null;
    }
  }
}

/** A library may have been copied from elsewhere. */
function ofThisMachine(dir: string): boolean {
  const cpu = environmentOf(dir).cpu as { model?: unknown } | undefined;
  return cpu?.model === cpus()[0]?.model;
}

function measure(dir: string, path: string, size: number): MeasuredRun | null {
  const spec = readSpec(dir);
  if (spec.hosts.length > 0) return null;
  const steps = stepsOf(readRange(path, Math.max(0, size - TAIL_BYTES), size).toString('utf8'));
  // The first step of an attempt is slow.
  const settled = steps.filter(({ step }) => step > 1);
  if (settled.length < LEAST_STEPS) return null;
  const seconds = settled.map((step) => step.seconds).sort((a, b) => a - b);
  const tokens = settled.reduce((sum, step) => sum + step.tokens, 0) / settled.length;
  return { spec, stepSeconds: seconds[Math.floor(seconds.length / 2)] as number, tokensPerStep: tokens };
}

/** Steps in whole lines of a text whose first line may be torn. */
function stepsOf(text: string): { step: number; seconds: number; tokens: number }[] {
  return text.split('\n').flatMap((line) => {
    if (!line.includes('"type":"step"')) return [];
    try {
      const { step, payload } = JSON.parse(line) as { step: number; payload: Record<string, unknown> };
      const { step_seconds, tokens } = (payload.metrics ?? payload) as Record<string, unknown>;
      const usable = typeof step_seconds === 'number' && step_seconds > 0 && typeof tokens === 'number';
      return usable ? [{ step, seconds: step_seconds, tokens }] : [];
    } catch {
      return [];
    }
  });
}
