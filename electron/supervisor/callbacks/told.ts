/** The events of a run in the words of callbacks (shared/runs/callback-types.ts). Pure. */
import { join } from 'node:path';
import type {
  CheckpointEvent,
  EvaluationEvent,
  SampleEvent,
  StartEvent,
  StepEvent,
} from '../../shared/runs/callback-types.ts';
import type { EventPayload, RunEvent, Sample } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { Told } from './event-queue.ts';

/** null: callbacks are told nothing of it. */
export function toldOf(event: RunEvent, sample: Sample | null, runDir: string): Told | null {
  const { step } = event;
  switch (event.type) {
    case 'started':
      return { handler: 'onStart', step, event: startOf(event.payload) };
    case 'step':
      return {
        handler: 'onStep',
        step,
        event: { step, metrics: event.payload.metrics, missed: 0 } satisfies StepEvent,
      };
    case 'eval':
      return { handler: 'onEvaluation', step, event: { step, ...event.payload } satisfies EvaluationEvent };
    case 'sample':
      return sample && { handler: 'onSample', step, event: sample satisfies SampleEvent };
    case 'checkpoint': {
      const { name, bytes } = event.payload;
      const folder = join(runDir, runFiles.checkpointsDir, name);
      return {
        handler: 'onCheckpoint',
        step,
        event: { step, name, folder, bytes } satisfies CheckpointEvent,
      };
    }
    default:
      return null;
  }
}

const startOf = (payload: EventPayload<'started'>): StartEvent => ({
  attempt: payload.attempt,
  resumedFromStep: payload.resumed_from_step,
  totalSteps: payload.total_steps,
  trainRows: payload.train_rows,
  evaluationRows: payload.eval_rows,
  trainableParams: payload.trainable_params,
  totalParams: payload.total_params,
  device: payload.device,
});
