/** Named evaluation sets: what the rank computed becomes metrics, which it is told, and the record of the set in the run folder. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeJsonLines } from '../server/evaluation/record-files.ts';
import {
  type AskJudge,
  type ScoredSet,
  scoreGeneration,
  scoreLosses,
} from '../server/evaluation/score-set.ts';
import { type JudgedAnswer, judgeAnswers, missingText } from '../server/judge/judge.ts';
import { toErrorInfo } from '../shared/errors.ts';
import type { Said } from '../shared/runs/alarms/alarm.ts';
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
import { type EvaluationSetSpec, judgeOf } from '../shared/spec/evaluation-sets.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import type { Log } from './log.ts';
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

/** Who owns the run: a judge takes its time, and is asked no more once the run ends. */
export interface ScoringOwner {
  log: Log;
  /** How far the judge is. */
  judging(done: number, all: number): void;
  /** Answers of a set have no score of its judge, and those of its evaluation before all had. */
  notJudged(step: number, said: Said): void;
}

export class Scoring {
  readonly #runDir: string;
  readonly #spec: RunSpec;
  readonly #decode: Decode;
  readonly #owner: ScoringOwner;
  readonly #rows = new Map<string, EvalRow[]>();
  /** Sets of which the last evaluation was not all judged. */
  readonly #missing = new Set<string>();

  constructor(runDir: string, spec: RunSpec, decode: Decode, owner: ScoringOwner) {
    this.#runDir = runDir;
    this.#spec = spec;
    this.#decode = decode;
    this.#owner = owner;
  }

  /**
   * Scores one evaluation and writes its record. Never throws: a set without scores does not end a run. `signal` ends the asking of a judge; what it has not judged by then counts as
   * not judged.
   */
  async score(set: string, step: number, signal: AbortSignal): Promise<ScoresCommand> {
    try {
      const scored = await this.#scored(set, step, signal);
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

  async #scored(name: string, step: number, signal: AbortSignal): Promise<ScoredSet> {
    const set = this.#spec.evaluation.sets.find((one) => one.name === name);
    if (!set) throw new Error(`the spec has no evaluation set "${name}"`);
    const rows = this.#rowsOf(name);
    const raw = join(this.#runDir, setRawRecord(name, step));
    if (set.evaluator.type === 'generation') {
      const answers = lines<RawAnswer>(raw, rawAnswerSchema.parse, 1);
      return scoreGeneration(set.evaluator, rows, answers, this.#decode, this.#judge(set, step, signal));
    }
    return scoreLosses(set, rows, lines<RawLoss>(raw, rawLossSchema.parse, 1));
  }

  /** Undefined: the set has none. */
  #judge(set: EvaluationSetSpec, step: number, signal: AbortSignal): AskJudge | undefined {
    const judge = judgeOf(set);
    if (!judge) return undefined;
    const { log, judging } = this.#owner;
    const say = (line: string) => log(`evaluation set "${set.name}", step ${step}: ${line}`);
    return async (answers) => {
      const home = dirname(dirname(this.#runDir));
      const judged = await judgeAnswers(judge, answers, { home, signal, progress: judging, log: say });
      this.#sayMissing(set.name, step, judged, signal);
      return judged;
    };
  }

  /** Once, until all are judged again; a run that was ended knows why. */
  #sayMissing(set: string, step: number, judged: readonly JudgedAnswer[], signal: AbortSignal): void {
    const missing = missingText(judged);
    const said = this.#missing.has(set);
    if (missing === null) this.#missing.delete(set);
    if (missing === null || signal.aborted) return;
    this.#missing.add(set);
    const { message, cause } = missing;
    if (said) {
      this.#owner.log(`evaluation set "${set}", step ${step}: ${message} ${cause}`);
      return;
    }
    const advice = 'The metric is over the others. Correct the judge, then evaluate the checkpoint again.';
    this.#owner.notJudged(step, { message: `Evaluation set "${set}": ${message}`, cause, advice });
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
