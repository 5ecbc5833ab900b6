/** Writes the events of an imagined run, as the rank would: `seq` counts up, time goes on. */
import type { ErrorCode } from '../../electron/shared/errors.ts';
import { DEFAULT_SET } from '../../electron/shared/runs/event-line.ts';
import {
  EVENTS_VERSION,
  type EventPayload,
  type EventType,
  type RunEvent,
} from '../../electron/shared/runs/events.ts';
import { checkpointName } from '../../electron/shared/runs/run-folder.ts';

export class EventScript {
  readonly events: RunEvent[] = [];
  #timeUs = 1_760_000_000_000_000;
  #step = 0;

  wait(seconds: number): void {
    this.#timeUs += seconds * 1e6;
  }

  started(payload: Partial<EventPayload<'started'>> = {}): void {
    this.#step = payload.resumed_from_step ?? 0;
    this.#write('started', {
      attempt: 1,
      resumed_from_step: 0,
      total_steps: 100,
      train_rows: 400,
      eval_rows: 20,
      trainable_params: 1_000_000,
      total_params: 135_000_000,
      device: 'cpu',
      threads: 2,
      ...payload,
    });
  }

  phase(name: string, progress: number | null = null): void {
    this.#write('phase', { name, progress });
  }

  step(step: number, loss: number, metrics: Record<string, number | null> = {}): void {
    this.#step = step;
    this.wait(0.5);
    this.#write('step', {
      metrics: {
        loss,
        learning_rate: 2e-4,
        grad_norm: 1.5,
        epoch: step / 100,
        tokens: 1000,
        target_tokens: 600,
        step_seconds: 0.5,
        tokens_per_second: 2000,
        memory_bytes: 1e9,
        memory_peak_bytes: 1.2e9,
        ...metrics,
      },
    });
  }

  eval(step: number, loss: number, set = DEFAULT_SET, more: Record<string, number | null> = {}): void {
    this.#step = step;
    this.wait(1);
    this.#write('eval', {
      set,
      metrics: {
        loss,
        perplexity: Math.exp(loss),
        token_accuracy: 0.5,
        target_tokens: 900,
        eval_seconds: 1,
        ...more,
      },
    });
  }

  changed(step: number, total_steps: number): void {
    this.#step = step;
    this.#write('changed', { learning_rate: 1e-4, total_steps });
  }

  ranks(step: number, modules: Record<string, number>, target = 8): void {
    this.#step = step;
    const total = Object.values(modules).reduce((a, b) => a + b, 0);
    this.#write('ranks', { total, target, modules });
  }

  checkpoint(step: number): void {
    this.#step = step;
    this.#write('checkpoint', { name: checkpointName(step), bytes: 4_000_000, seconds: 0.1 });
  }

  /** Of a stream of its own, which is not told apart by `seq` here. */
  monitored(step: number, metrics: Record<string, number>): void {
    this.#step = step;
    this.#write('monitored', { metrics });
  }

  sample(step: number, promptIndex = 0): void {
    this.#step = step;
    this.#write('sample', { prompt_index: promptIndex, ids: [1, 2], finish: 'stop' });
  }

  warning(message: string): void {
    this.#write('warning', { message });
  }

  error(code: ErrorCode, message = 'The rank ended with signal 9.'): void {
    this.#write('error', { code, message, hint: 'Resume the run.', data: {} });
  }

  finished(reason: 'completed' | 'stopped'): void {
    this.#write('finished', { reason, seconds: 10, tokens: 1000 });
  }

  #write<T extends EventType>(type: T, payload: EventPayload<T>): void {
    this.events.push({
      v: EVENTS_VERSION,
      rank: 0,
      seq: this.events.length,
      timeUs: this.#timeUs,
      step: this.#step,
      type,
      payload,
    } as RunEvent);
  }
}
