/** What a run is that evaluates a model at any time: its spec, and whose weights. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodParsed } from '../../shared/api/api.ts';
import { CollieError } from '../../shared/errors.ts';
import type { Evaluates } from '../../shared/runs/evaluates.ts';
import { checkpointStep, runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { chooseCheckpoint } from '../runs/checkpoints.ts';
import type { RunRegistry } from '../runs/registry.ts';

export type EvaluationRequest = MethodParsed<'evaluations.start'>;

export interface PlannedEvaluation {
  /** As a user could have written it. */
  spec: unknown;
  evaluates: Evaluates;
}

/** Without a run to take them from; most benchmarks' rows are shorter. */
const BASE_SEQ_LEN = 1024;

/** `modelName`: what a base model is called. Throws run.not_found, checkpoint.not_found. */
export function planEvaluation(
  request: EvaluationRequest,
  runs: RunRegistry,
  modelName: string,
): PlannedEvaluation {
  if ('model' in request.of) {
    const spec = ofBase(request.of.model, request);
    const name = request.name || `Evaluation of ${modelName}`;
    return { spec: { ...spec, name }, evaluates: { v: 1, of: null, held_out: false } };
  }
  const { run } = request.of;
  const dir = runs.dir(run);
  const source = trainedBy(runs, run);
  const checkpoint = chooseCheckpoint(dir, run, request.of.checkpoint);
  const heldOut = request.heldOut && existsSync(join(dir, runFiles.dataDir, 'eval.offsets.u64'));
  const name = request.name || `Evaluation of ${source.name}, step ${checkpointStep(checkpoint)}`;
  const sets = request.sets ?? source.evaluation.sets;
  return {
    spec: { ...onlyEvaluating(source, request), name, evaluation: { ...source.evaluation, sets } },
    evaluates: { v: 1, of: { run, checkpoint }, held_out: heldOut },
  };
}

/** The run that made weights: an evaluation has none of its own. */
function trainedBy(runs: RunRegistry, run: string): RunSpec {
  if (runs.evaluates(run) === null) return runs.spec(run);
  throw new CollieError(
    'request.invalid',
    `The run ${run} is an evaluation: it has no checkpoints.`,
    'Name the run whose checkpoint is to be evaluated.',
    { run },
  );
}

/** What a base model needs no run for: a method that adds nothing, and the data of the sets. */
function ofBase(model: string, { sets, settings }: EvaluationRequest) {
  const first = sets?.[0] as { data?: unknown } | undefined;
  const { seqLen = BASE_SEQ_LEN, batchSize = 4, ...machine } = settings;
  return {
    model,
    dataset: {
      train: typeof first?.data === 'string' ? first.data : 'none',
      mapping: { kind: 'chat', messages: 'messages' },
      unusable_rows: 'leave_out',
    },
    method: { type: 'full' },
    optimizer: { type: 'adamw' },
    batch: { seq_len: seqLen, micro_batch_size: batchSize },
    evaluation: { sets: sets ?? [] },
    ...machine,
  };
}

/** The run's spec on one rank, without what only a training does. Rows that cannot be used are left out and counted. */
function onlyEvaluating(spec: RunSpec, { settings }: EvaluationRequest) {
  const { parallel: _parallel, hosts: _hosts, checkpoint: _checkpoint, ...rest } = spec;
  const { sampling: _sampling, callbacks: _callbacks, ...kept } = rest;
  const { seqLen, batchSize, ...machine } = settings;
  return {
    ...kept,
    dataset: { ...kept.dataset, unusable_rows: 'leave_out' },
    batch: {
      ...kept.batch,
      seq_len: seqLen ?? kept.batch.seq_len,
      micro_batch_size: batchSize ?? kept.batch.micro_batch_size,
    },
    ...machine,
  };
}
