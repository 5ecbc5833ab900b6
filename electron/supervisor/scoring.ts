/** Named evaluation sets: what the rank computed becomes metrics, which it is told, and the record of the set in the run folder. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonLines } from '../server/evaluation/record-files.ts';
import { type ScoredSet, scoreGeneration, scoreLosses } from '../server/evaluation/score-set.ts';
import { toErrorInfo } from '../shared/errors.ts';
import {
  type EvalRow,
  evalRowSchema,
  type RawAnswer,
  type RawLoss,
  rawAnswerSchema,
  rawLossSchema,
  type SetHead,
} from '../shared/runs/evaluation-rows.ts';
import { setRawRecord, setRecord, setRowsFile } from '../shared/runs/run-folder.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import type { Decode } from './samples.ts';

/** What the rank is told; `problem` instead of metrics where there are none. */
export interface ScoresCommand {
  command: 'scores';
  set: string;
  step: number;
  metrics?: Record<string, number | null>;
  problem?: string;
}

function lines<T>(path: string, parse: (value: unknown) => T, from = 0): T[] {
  const text = readFileSync(path, 'utf8').trimEnd();
  return text === ''
    ? []
    : text
        .split('\n')
        .slice(from)
        .map((line) => parse(JSON.parse(line)));
}

export class Scoring {
  readonly #runDir: string;
  readonly #spec: RunSpec;
  readonly #decode: Decode;
  readonly #rows = new Map<string, EvalRow[]>();

  constructor(runDir: string, spec: RunSpec, decode: Decode) {
    this.#runDir = runDir;
    this.#spec = spec;
    this.#decode = decode;
  }

  /** Scores one evaluation and writes its record. Never throws: a set without scores does not end a run. */
  async score(set: string, step: number): Promise<ScoresCommand> {
    try {
      const scored = await this.#scored(set, step);
      const metrics = Object.fromEntries(
        Object.entries(scored.metrics).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
      );
      const head: SetHead = {
        v: 2,
        step,
        rows: scored.rows.length,
        metrics,
        ...(scored.confusion ? { confusion: scored.confusion } : {}),
      };
      writeJsonLines(join(this.#runDir, setRecord(set, step)), [head, ...scored.rows]);
      rmSync(join(this.#runDir, setRawRecord(set, step)), { force: true });
      return { command: 'scores', set, step, metrics };
    } catch (thrown) {
      return { command: 'scores', set, step, problem: toErrorInfo(thrown).message };
    }
  }

  async #scored(name: string, step: number): Promise<ScoredSet> {
    const set = this.#spec.evaluation.sets.find((one) => one.name === name);
    if (!set) throw new Error(`the spec has no evaluation set "${name}"`);
    const rows = this.#rowsOf(name);
    const raw = join(this.#runDir, setRawRecord(name, step));
    if (set.evaluator.type === 'generation')
      return scoreGeneration(
        set.evaluator,
        rows,
        lines<RawAnswer>(raw, rawAnswerSchema.parse, 1),
        this.#decode,
      );
    return scoreLosses(set, rows, lines<RawLoss>(raw, rawLossSchema.parse, 1));
  }

  #rowsOf(name: string): EvalRow[] {
    const known = this.#rows.get(name);
    if (known) return known;
    const path = join(this.#runDir, setRowsFile(name));
    const rows = existsSync(path) ? lines<EvalRow>(path, evalRowSchema.parse) : [];
    this.#rows.set(name, rows);
    return rows;
  }
}
