/** What lists show of many runs: specs and tags in one answer, small pictures of the loss from a few places of each events file. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../../shared/api/entities.ts';
import { readEvent } from '../../shared/runs/event-line.ts';
import { eventsFile, runFiles } from '../../shared/runs/run-folder.ts';
import { isOwnLine } from '../../shared/runs/series.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { readEvaluates } from './folder.ts';
import type { RunRegistry } from './registry.ts';
import { readTags } from './tags.ts';

export class RunSummaries {
  readonly #runs: RunRegistry;
  /** A spec never changes; the stamp is for folders that were replaced by hand. */
  readonly #specs = new Map<string, { stamp: string; spec: RunSpec }>();
  readonly #lines = new Map<string, { stamp: string; losses: number[] }>();

  constructor(runs: RunRegistry) {
    this.#runs = runs;
  }

  /** Runs that are gone or unreadable are left out: their status says so. */
  of(ids: readonly string[]): RunSummary[] {
    return ids.flatMap((id) => {
      try {
        const dir = this.#runs.dir(id);
        return [{ id, spec: this.spec(id), tags: readTags(dir), evaluates: readEvaluates(dir) }];
      } catch {
        return [];
      }
    });
  }

  sparklines(ids: readonly string[]): { id: string; losses: number[] }[] {
    return ids.flatMap((id) => {
      try {
        return [{ id, losses: this.#losses(id) }];
      } catch {
        return [];
      }
    });
  }

  /** Parsed once. Throws what RunRegistry.spec throws. */
  spec(id: string): RunSpec {
    const stamp = stampOf(join(this.#runs.dir(id), runFiles.spec));
    const known = this.#specs.get(id);
    if (known?.stamp === stamp) return known.spec;
    const spec = this.#runs.spec(id);
    this.#specs.set(id, { stamp, spec });
    return spec;
  }

  #losses(id: string): number[] {
    const path = join(this.#runs.dir(id), eventsFile(0));
    const stamp = stampOf(path);
    const known = this.#lines.get(id);
    if (known?.stamp === stamp) return known.losses;
    const losses = stamp === '' ? [] : sampledLosses(path);
    this.#lines.set(id, { stamp, losses });
    return losses;
  }
}

/** Empty without a file. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : '';
}

const PLACES = 32;
const PIECE_BYTES = 4096;

/**
 * The mean loss of a few steps at each of up to 32 places of an events file, in the order of steps. However long the run is, it reads
 * 128 KiB. What a resume has voided goes with its place: a later place of an earlier step replaces it.
 */
export function sampledLosses(path: string): number[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const whole = size <= PLACES * PIECE_BYTES;
    const buffer = Buffer.alloc(whole ? size : PIECE_BYTES);
    const found: { step: number; loss: number }[] = [];
    for (let place = 0; place < (whole ? 1 : PLACES); place++) {
      const from = whole ? 0 : Math.round((place * (size - PIECE_BYTES)) / (PLACES - 1));
      const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, from));
      // Unless it is the whole file, it begins in the middle of a line.
      const points = lossesIn(from === 0 ? text : text.slice(text.indexOf('\n') + 1));
      for (const point of whole ? points : mean(points)) {
        while (found.length > 0 && (found.at(-1)?.step ?? 0) >= point.step) found.pop();
        found.push(point);
      }
    }
    return thinned(found.map(({ loss }) => loss));
  } finally {
    closeSync(file);
  }
}

function lossesIn(text: string): { step: number; loss: number }[] {
  return text.split('\n').flatMap((line) => {
    if (line === '' || isOwnLine(line)) return [];
    const event = readEvent(line);
    const loss = event?.type === 'step' ? event.payload.metrics.loss : null;
    return event && typeof loss === 'number' ? [{ step: event.step, loss }] : [];
  });
}

function mean(points: { step: number; loss: number }[]): { step: number; loss: number }[] {
  const last = points.at(-1);
  const sum = points.reduce((total, { loss }) => total + loss, 0);
  return last ? [{ step: last.step, loss: sum / points.length }] : [];
}

/** At most twice as many values as places, evenly. */
function thinned(values: number[]): number[] {
  const most = 2 * PLACES;
  if (values.length <= most) return values;
  return Array.from(
    { length: most },
    (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))] as number,
  );
}
