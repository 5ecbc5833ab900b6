/** Two groups of runs as the sides of a contest: for each set of evaluated rows, what every run found and how it was evaluated. */
import type { ComparisonView } from '../../shared/runs/comparison.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import { recordFiles } from '../evaluation/row-records.ts';
import type { Contest, Side } from './comparable.ts';
import { type Recorded, readRecord, readRowHashes } from './examples.ts';
import type { RunFacts } from './facts.ts';
import { tellingMetric } from './measures.ts';
import type { Group } from './settings.ts';

/** Reads each record once, however many contests a run is in. */
export class Sides {
  readonly #which: ComparisonView['record'];
  readonly #sides = new Map<string, Side>();
  readonly #trained = new Map<string, ReadonlySet<string> | null>();

  constructor(which: ComparisonView['record']) {
    this.#which = which;
  }

  contest(baseline: Group, candidate: Group, set: string): Contest {
    return {
      candidate: candidate.runs[0]?.id ?? '',
      set,
      baselineRuns: baseline.runs.map((run) => this.#side(run, set)),
      candidateRuns: candidate.runs.map((run) => this.#side(run, set)),
    };
  }

  #side(run: RunFacts, set: string): Side {
    const key = `${run.id} ${set}`;
    const before = this.#sides.get(key);
    if (before) return before;
    const evaluation = evaluationOf(run, set);
    const made: Side = {
      id: run.id,
      seed: run.spec?.seed ?? null,
      recorded: this.#recorded(run, set, evaluation),
      evaluation,
      tokenizer: run.meta?.tokenizer ?? null,
      vocabulary: run.meta?.vocabulary ?? null,
      template: run.meta?.template ?? null,
      trained: this.#trainedOn(run),
    };
    this.#sides.set(key, made);
    return made;
  }

  #recorded(run: RunFacts, set: string, evaluation: EvaluationSetSpec | null): Recorded {
    if (set !== DEFAULT_SET && !run.spec) return { problem: 'has settings that cannot be read' };
    if (set !== DEFAULT_SET && !evaluation) return { problem: `has no evaluation set "${set}"` };
    if (run.meta?.sets?.some(({ name, evaluated }) => name === set && evaluated === 0))
      return { problem: `has no row to evaluate in "${set}"` };
    return readRecord(run.dir, { set, which: this.#which, metric: tellingMetric(set, evaluation) });
  }

  #trainedOn({ id, dir }: RunFacts): ReadonlySet<string> | null {
    const before = this.#trained.get(id);
    if (before !== undefined) return before;
    const hashes = readRowHashes(dir, 'train');
    const made = hashes && new Set(hashes.map((row) => row.id));
    this.#trained.set(id, made);
    return made;
  }
}

export const evaluationOf = ({ spec }: RunFacts, set: string): EvaluationSetSpec | null =>
  spec?.evaluation.sets.find(({ name }) => name === set) ?? null;

/** Named sets of either, in the order of their specs, behind the held-out rows; these are left out where nobody has evaluated any but a set. */
export function setsOf(groups: readonly Group[]): string[] {
  const runs = groups.flatMap((group) => group.runs);
  const named = [...new Set(runs.flatMap(({ spec }) => spec?.evaluation.sets.map(({ name }) => name) ?? []))];
  const heldOut = named.length === 0 || runs.some(({ dir }) => recordFiles(dir, DEFAULT_SET).size > 0);
  return heldOut ? [DEFAULT_SET, ...named] : named;
}
