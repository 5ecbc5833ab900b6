/** Each alarm over a series that must set it off, once and at its step, and over one that must not. */
import { describe, expect, it } from 'vitest';
import type { AlarmKind } from '../../../../electron/shared/runs/alarms/alarm.ts';
import { Alarms, alarms } from '../../../../electron/shared/runs/alarms/registry.ts';
import type { RunEvent } from '../../../../electron/shared/runs/events.ts';
import { EventScript } from '../../../support/event-script.ts';
import { uniform } from '../../../support/random.ts';

/** What is said over the events, by kind with the steps. */
function said(events: readonly RunEvent[]): Partial<Record<AlarmKind, number[]>> {
  const all = new Alarms();
  const found: Partial<Record<AlarmKind, number[]>> = {};
  for (const event of events)
    for (const { kind, step } of all.see(event)) {
      found[kind] ??= [];
      found[kind].push(step);
    }
  return found;
}

const noise = uniform(7);
/** Between 0.9 and 1.1. */
const about = (value: number) => value * (0.9 + 0.2 * noise());

/** A training that falls as trainings do, in noise; `change` makes something else of a step. */
function training(
  steps: number,
  change: (step: number) => { loss?: number; metrics?: Record<string, number | null> } = () => ({}),
  script = new EventScript(),
): EventScript {
  script.started({ total_steps: steps });
  for (let step = 1; step <= steps; step += 1) {
    const { loss, metrics } = change(step);
    script.step(step, loss ?? about(1 + 3 * Math.exp(-step / 100)), { grad_norm: about(1.5), ...metrics });
  }
  return script;
}

const ranks = (steps: number, seconds: (rank: number, step: number) => number): RunEvent[] => {
  const events: RunEvent[] = [];
  for (let step = 1; step <= steps; step += 1)
    for (const rank of [0, 1, 2, 3])
      events.push({
        ...{ v: 2, rank, seq: step, timeUs: step * 1e6, step, type: 'rank_step' },
        payload: {
          step_seconds: 3,
          compute_seconds: seconds(rank, step),
          wait_seconds: 0,
          memory_bytes: 0,
          memory_peak_bytes: 0,
        },
      } as RunEvent);
  return events;
};

/** Evaluations every 50 steps of a training that goes on falling. */
function evaluated(losses: readonly number[]): RunEvent[] {
  const script = new EventScript();
  script.started({ total_steps: losses.length * 50 });
  losses.forEach((loss, k) => {
    for (let step = 50 * (k - 1) + 1; k > 0 && step <= 50 * k; step += 1)
      script.step(step, 2 * Math.exp(-step / 300), { grad_norm: 1 });
    script.eval(50 * k, loss);
  });
  return script.events;
}

/** What events tell. */
type Watched = Exclude<AlarmKind, 'not_judged'>;

const fire: Record<Watched, { events: () => readonly RunEvent[]; steps: number[] }> = {
  loss_spike: {
    // Three steps far out are one occurrence, much later comes another.
    events: () =>
      training(300, (step) => ((step >= 100 && step < 103) || step === 200 ? { loss: 9 } : {})).events,
    steps: [100, 200],
  },
  not_finite: {
    events: () =>
      training(60, (step) => (step >= 50 ? { loss: null as never, metrics: { loss: null } } : {})).events,
    steps: [50],
  },
  gradient_norm: {
    events: () => training(100, (step) => (step === 60 ? { metrics: { grad_norm: 80 } } : {})).events,
    steps: [60],
  },
  plateau: { events: () => training(400, () => ({ loss: about(2) })).events, steps: [200] },
  overfitting: { events: () => evaluated([3, 2, 1.5, 1.55, 1.6, 1.7, 1.8]), steps: [250] },
  masked_share: {
    events: () => training(40, () => ({ metrics: { tokens: 1000, target_tokens: 5 } })).events,
    steps: [20],
  },
  slow_rank: {
    events: () => ranks(40, (rank, step) => (rank === 2 && step > 15 ? 2 : 1)),
    // Ten steps in a row, judged as the next begins.
    steps: [26],
  },
};

const silent: Record<Watched, () => readonly RunEvent[]> = {
  // A noisy loss, a new level that is not much higher, and a first step that is.
  loss_spike: () =>
    training(300, (step) => (step > 150 ? { loss: about(2.2) } : step === 1 ? { loss: 12 } : {})).events,
  not_finite: () => training(300).events,
  gradient_norm: () => training(300, (step) => (step % 40 === 0 ? { metrics: { grad_norm: 4 } } : {})).events,
  // Falls slowly; and one whose learning rate has come to its end.
  plateau: () => [
    ...training(400, (step) => ({ loss: about(3 - step / 400) })).events,
    ...training(400, (step) => ({ loss: about(2), metrics: { learning_rate: step < 40 ? 1e-3 : 1e-5 } }))
      .events,
  ],
  // Up and down by noise, and a rise after which it goes on to fall.
  overfitting: () => evaluated([3, 2, 1.5, 1.505, 1.51, 1.505, 1.52, 1.49, 1.6, 1.4]),
  masked_share: () => training(40, () => ({ metrics: { tokens: 1000, target_tokens: 300 } })).events,
  slow_rank: () => ranks(40, (rank, step) => (rank === step % 4 ? 2 : 1)),
};

const watched = alarms.filter(({ watch }) => watch !== null).map(({ kind }) => kind as Watched);

describe.each(watched)('%s', (kind) => {
  it('is said once for each occurrence, at its step', () => {
    const { events, steps } = fire[kind];
    expect(said(events())[kind]).toEqual(steps);
  });

  it('is not said of a series that is in order', () => {
    expect(said(silent[kind]())[kind]).toBeUndefined();
  });
});

it('a training in order sets off none', () => {
  expect(said(training(400).events)).toEqual({});
});

it('says what was seen, why it may be and what to do', () => {
  const all = new Alarms();
  const [alarm] = fire.loss_spike.events().flatMap((event) => all.see(event));
  expect(alarm?.message).toMatch(/^The training loss jumped to 9; it was about \d/);
  for (const text of [alarm?.message, alarm?.cause, alarm?.advice]) expect(text).toMatch(/\.$/);
});

it('a resume begins anew: what was far out before it is not compared with', () => {
  const script = training(40);
  script.started({ resumed_from_step: 30, total_steps: 100 });
  for (let step = 31; step <= 60; step += 1) script.step(step, 50, { grad_norm: 1.5 });
  expect(said(script.events).loss_spike).toBeUndefined();
});
