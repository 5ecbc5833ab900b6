/**
 * Measures the machine while a run trains: what its processes take, what its GPUs do, the energy, and how much of what the machine can compute is put to use. Into
 * events/monitors.jsonl, as metrics at the step that the run has reached. It reads a few small files every few seconds and sends the ranks nothing: they train the same bits.
 */
import { dirname, join } from 'node:path';
import { linesBackwards } from '../../server/runs/timeline.ts';
import { readEvent } from '../../shared/runs/event-line.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import type { monitorPayloads } from '../../shared/runs/monitors.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { EventJournal } from '../journal.ts';
import type { Log } from '../log.ts';
import { EnergyMeter } from './energy.ts';
import { energySources, type Look, lookAt, type Machine, machineMetrics, thisMachine } from './machine.ts';
import { type Utilization, utilizationOf } from './utilization.ts';

/** Close together at first, so that a short run has a curve too. */
const [LEAST_SECONDS, MOST_SECONDS] = [0.5, 10];
const periodAfter = (seconds: number) => Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, seconds / 20));

const NO_WORK = { tokens: 0, seconds: 0 };

/** `pids`: processes of this machine, by rank. */
export type Pids = ReadonlyMap<number, number>;

export class Monitors {
  readonly #journal: EventJournal<typeof monitorPayloads>;
  readonly #machine: Machine;
  readonly #utilization: Utilization;
  readonly #energy: EnergyMeter;
  /** When the attempt began; null: none is under way. */
  #begun: number | null = null;
  #due = 0;
  #trains = false;
  #step = 0;
  #written = 0;
  /** Of the steps since the last event. */
  #work = NO_WORK;
  /** That the next event counts from. */
  #from: Look | null = null;

  constructor(runDir: string, machine: Machine, utilization: Utilization, log: Log) {
    const path = join(runDir, runFiles.monitorEvents);
    this.#energy = new EnergyMeter(lastEnergy(path));
    this.#journal = new EventJournal(path, 'what is measured of the machine', log);
    this.#machine = machine;
    this.#utilization = utilization;
  }

  /** Of rank 0, in their order. */
  see(event: RunEvent): void {
    if (event.type === 'started') this.#start(event.payload.resumed_from_step);
    if (event.type !== 'step') return;
    // What was done before the first step was loading.
    if (!this.#trains) [this.#trains, this.#from, this.#due] = [true, null, 0];
    else {
      const { tokens, step_seconds } = event.payload.metrics;
      const { tokens: before, seconds } = this.#work;
      this.#work = { tokens: before + (tokens ?? 0), seconds: seconds + (step_seconds ?? 0) };
    }
    this.#step = event.step;
  }

  #start(step: number): void {
    this.#journal.write('monitors_started', step, { resumed_from_step: step });
    [this.#begun, this.#due, this.#trains] = [this.#machine.seconds(), 0, false];
    [this.#step, this.#written, this.#work, this.#from] = [step, step, NO_WORK, null];
  }

  /** Looks when it is time to. */
  look(pids: Pids): void {
    const seconds = this.#machine.seconds();
    if (this.#begun === null || seconds < this.#due) return;
    this.#due = seconds + periodAfter(seconds - this.#begun);
    const now = this.#look(pids);
    if (this.#from === null) [this.#from, this.#written, this.#work] = [now, this.#step, NO_WORK];
    else if (this.#step > this.#written) this.#write(this.#from, now);
  }

  /** The processes of an attempt are gone: only what was spent until then is told. */
  end(): void {
    if (this.#begun === null) return;
    this.#look(new Map());
    this.#begun = null;
    if (this.#energy.kwh !== null) this.#tell({ energy_kwh: this.#energy.kwh });
  }

  #look(pids: Pids): Look {
    const now = lookAt(this.#machine, pids);
    this.#energy.add(now.seconds, energySources(now));
    return now;
  }

  #write(from: Look, to: Look): void {
    const { kwh } = this.#energy;
    this.#tell({
      ...machineMetrics(from, to, this.#machine.cores),
      ...(kwh === null ? {} : { energy_kwh: kwh }),
      ...this.#utilization.of(this.#work.tokens, this.#work.seconds),
    });
    [this.#from, this.#written, this.#work] = [to, this.#step, NO_WORK];
  }

  #tell(metrics: Record<string, number>): void {
    if (Object.keys(metrics).length > 0) this.#journal.write('monitored', this.#step, { metrics });
  }
}

/** Of a run of this library whose data is there. */
export function monitorsOf(runDir: string, spec: RunSpec, log: Log): Monitors {
  const utilization = utilizationOf(runDir, dirname(dirname(runDir)), spec, log);
  return new Monitors(runDir, thisMachine(spec.device, log), utilization, log);
}

/** What all attempts before have spent; null: nothing was measured in them. Every event has it once one has. */
function lastEnergy(path: string): number | null {
  for (const line of linesBackwards(path)) {
    const event = readEvent(line);
    if (event?.type === 'monitored') return event.payload.metrics.energy_kwh ?? null;
  }
  return null;
}
