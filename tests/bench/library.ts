/** A library of runs that never trained, some of them live: what the run list and the monitor are measured on. */
import { appendFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../../electron/server/runs/folder.ts';
import { processRef } from '../../electron/server/runs/process.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { checkpointName } from '../../electron/shared/runs/run-folder.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { eventLines, writeEvents } from './fabricate.ts';

export interface LibrarySize {
  runs: number;
  /** Runs of `longSteps` steps, among them. */
  long: number;
  longSteps: number;
  /** Runs whose status and events go on, among them. */
  live: number;
}

const SHORT_STEPS = 400;
const NEWEST = Date.UTC(2026, 10, 27, 12, 0, 0);
const iso = (minutesAgo: number) => new Date(NEWEST - minutesAgo * 60_000).toISOString();

const specOf = (name: string, place: number) =>
  runSpecSchema.parse({
    name,
    model: '/models/smollm2-135m-instruct',
    dataset: {
      train: '/datasets/support.jsonl',
      mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
    },
    method: { type: place % 5 === 0 ? 'full' : 'lora' },
    optimizer: { type: 'adamw', learning_rate: 1e-4 * (1 + (place % 4)) },
    seed: place,
  });

function statusOf(id: string, name: string, place: number, steps: number, live: boolean): RunStatus {
  const failed = !live && place % 17 === 3;
  const state = live ? 'running' : failed ? 'failed' : 'completed';
  return {
    v: 1,
    id,
    name,
    state,
    phase: live ? 'Training' : state === 'failed' ? 'Failed' : 'Completed',
    phaseProgress: live ? 0.4 : 1,
    step: live ? Math.round(steps * 0.4) : steps,
    totalSteps: steps,
    etaSeconds: live ? 900 : null,
    attempt: 1,
    createdAt: iso(place * 30 + 1),
    startedAt: iso(place * 30),
    finishedAt: live ? null : iso(place * 30 - 20),
    updatedAt: iso(place * 30 - 20),
    lastLoss: 0.8 + (place % 13) / 10,
    lastEvalLoss: 0.9 + (place % 11) / 10,
    tokensPerSecond: live ? 3300 : null,
    checkpoint: checkpointName(steps),
    error: failed
      ? { code: 'train.non_finite', message: 'The loss of step 32 is not finite.', hint: '', data: {} }
      : null,
    supervisorPid: live ? process.pid : null,
    ranks: [],
    restarts: [],
    alarms: [],
    callbacks: [],
  };
}

export interface Library {
  /** Of a run of `longSteps` steps. */
  longId: string;
  /** Of all runs, the newest first. */
  ids: readonly string[];
  /** Stops the live runs. */
  end: () => void;
}

/** Makes it below `home` (COLLIE_HOME). Live runs write as a supervisor and a rank do: four statuses and two steps a second. */
export function makeLibrary(home: string, size: LibrarySize): Library {
  const root = join(home, 'runs');
  const folders = Array.from({ length: size.runs }, (_, place) => {
    const live = place < size.live;
    const long = !live && place < size.live + size.long;
    const id = `run-${String(place).padStart(4, '0')}`;
    const name = `Support ${long ? 'long ' : ''}run ${place}, rank ${2 ** (2 + (place % 5))}`;
    return { id, name, place, live, long, dir: join(root, id), steps: long ? size.longSteps : SHORT_STEPS };
  });
  const firstLong = folders.find(({ long }) => long);
  for (const { id, name, place, live, long, dir, steps } of folders) {
    for (const folder of ['events', 'logs', 'checkpoints', 'samples'])
      mkdirSync(join(dir, folder), { recursive: true });
    writeJsonAtomic(join(dir, 'spec.json'), specOf(name, place));
    writeJsonAtomic(join(dir, 'status.json'), statusOf(id, name, place, steps, live));
    writeFileSync(join(dir, 'environment.json'), '{}');
    const same = long && firstLong && firstLong.dir !== dir ? firstLong.dir : null;
    // All long runs are one file with many names: they are read as often, and lie on the disk once.
    if (same) linkSync(join(same, 'events/rank-000.jsonl'), join(dir, 'events/rank-000.jsonl'));
    else writeEvents(dir, live ? Math.round(steps * 0.4) : steps, steps, place + 1);
    if (live) writeJsonAtomic(join(dir, 'supervisor.json'), supervisorFile(dir));
  }
  const timers = folders.filter(({ live }) => live).map(goOn);
  return {
    longId: firstLong?.id ?? '',
    ids: folders.map(({ id }) => id),
    end: () => timers.forEach(clearInterval),
  };
}

const supervisorFile = (dir: string) => ({
  v: 1,
  supervisor: processRef(process.pid),
  socket: join(dir, 'no-socket'),
  rank: null,
});

interface LiveFolder {
  id: string;
  name: string;
  place: number;
  dir: string;
  steps: number;
}

function goOn({ id, name, place, dir, steps }: LiveFolder): NodeJS.Timeout {
  const lines = [...eventLines(steps, steps, place + 1)].slice(Math.round(steps * 0.4) * 2);
  let at = 0;
  return setInterval(() => {
    at += 1;
    if (at % 2 === 0) appendFileSync(join(dir, 'events/rank-000.jsonl'), lines[at % lines.length] ?? '');
    const status = statusOf(id, name, place, steps, true);
    const step = status.step + (at % 200);
    const moved = {
      step,
      lastLoss: 1 + Math.sin(at) / 10,
      etaSeconds: 900 - at / 4,
      updatedAt: new Date().toISOString(),
    };
    writeJsonAtomic(join(dir, 'status.json'), { ...status, ...moved });
  }, 250);
}
