/**
 * How long a run takes on this machine. The modelled time of a step (step-time.ts) is right in its proportions; what it is off by is
 * measured from runs that trained here, the most alike first, and corrected with every step that they take.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunPreview } from '../../shared/api/entities.ts';
import { globalBatch, type RunSpec } from '../../shared/spec/run-spec.ts';
import type { MeasuredRun } from '../runs/measured.ts';

/** Modelled seconds of one step of a model (its config.json) with a spec. Throws where it cannot be laid out. */
export type StepModel = (configJson: string, spec: RunSpec) => number;

/** Most runs that a speed is taken from. */
const MOST = 5;
/** A forward pass beside forward, backward and recomputing: what an evaluated sequence takes of a trained one. */
const EVAL_SHARE = 1 / 3;

/** The spec with the length that its sequences really have: what a step computes is counted in real tokens. */
function withRealLength(spec: RunSpec, tokensPerSequence: number): RunSpec {
  const seq_len = Math.min(131_072, Math.max(8, Math.round(tokensPerSequence)));
  return { ...spec, batch: { ...spec.batch, seq_len } };
}

/** How much alike two specs are for the question how well the model of a step fits. */
function likeness(a: RunSpec, b: RunSpec): number {
  if (a.device !== b.device) return -1;
  return (
    4 * Number(a.model === b.model) +
    2 * Number(a.method.type === b.method.type && a.quantization === b.quantization) +
    Number(a.precision === b.precision)
  );
}

/** Measured over modelled seconds of a step, from the runs most like `spec`; null: none was measured on its device. */
export function measuredFactor(
  spec: RunSpec,
  runs: readonly MeasuredRun[],
  modelled: StepModel,
): { factor: number; runs: number } | null {
  const best = Math.max(-1, ...runs.map((run) => likeness(spec, run.spec)));
  if (best < 0) return null;
  const factors = runs
    .filter((run) => likeness(spec, run.spec) === best)
    .slice(0, MOST)
    .flatMap(({ spec: other, stepSeconds, tokensPerStep }) => {
      try {
        const config = readFileSync(join(other.model, 'config.json'), 'utf8');
        const real = withRealLength(other, tokensPerStep / globalBatch(other).sequences);
        return [stepSeconds / modelled(config, real)];
      } catch {
        return []; // The model is gone, or is no longer what it was.
      }
    })
    .sort((a, b) => a - b);
  const factor = factors[Math.floor(factors.length / 2)];
  return factor === undefined ? null : { factor, runs: factors.length };
}

export interface Work {
  spec: RunSpec;
  configJson: string;
  /** Mean of real tokens in a sequence. */
  tokensPerSequence: number;
  totalSteps: number | null;
  evalRows: number;
}

/** Time of a whole run: its steps, and an evaluation at the start, at the end and as often as asked for. */
export function runTime(work: Work, runs: readonly MeasuredRun[], modelled: StepModel): RunPreview['time'] {
  const { spec, totalSteps } = work;
  const measured = measuredFactor(spec, runs, modelled);
  const step = modelled(work.configJson, withRealLength(spec, work.tokensPerSequence));
  const stepSeconds = step * (measured?.factor ?? 1);
  const perEvaluation = (stepSeconds * EVAL_SHARE * work.evalRows) / globalBatch(spec).sequences;
  const every = spec.evaluation.every_steps;
  const evaluations =
    totalSteps === null ? 0 : 2 + (every > 0 ? Math.max(0, Math.ceil(totalSteps / every) - 1) : 0);
  return {
    seconds: totalSteps === null ? null : totalSteps * stepSeconds + evaluations * perEvaluation,
    stepSeconds,
    measuredRuns: measured?.runs ?? 0,
  };
}
