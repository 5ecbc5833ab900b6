/**
 * status.json and environment.json are what the supervisor wrote down of things that are told elsewhere: one that is broken, empty or
 * missing is made anew from the spec, the events and the checkpoints, so that no whole run is lost with it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { readEvent } from '../../shared/runs/event-line.ts';
import type { RunEvent, RunStatus } from '../../shared/runs/events.ts';
import { eventsFile, runFiles } from '../../shared/runs/run-folder.ts';
import { readAlarms, type Since } from './alarm-file.ts';
import { newestCheckpoint } from './checkpoints.ts';
import { readSpec, readSupervisorFile } from './folder.ts';
import { isAlive } from './process.ts';
import { linesBackwards } from './timeline.ts';

/** Of the events that are looked at, from the end back: more than any run writes between two that matter here. */
const MOST_LINES = 20_000;

/** What is going on in a run that waits for its turn. */
export const QUEUED = 'In the queue';

/** What a new run's status says. */
export function newStatus(id: string, name: string): RunStatus {
  const now = new Date().toISOString();
  return {
    v: 1,
    id,
    name,
    state: 'preparing',
    phase: 'Starting',
    phaseProgress: null,
    step: 0,
    totalSteps: null,
    etaSeconds: null,
    attempt: 0,
    createdAt: now,
    startedAt: null,
    finishedAt: null,
    updatedAt: now,
    lastLoss: null,
    lastEvalLoss: null,
    tokensPerSecond: null,
    checkpoint: null,
    error: null,
    supervisorPid: null,
    ranks: [],
    restarts: [],
    alarms: [],
    callbacks: [],
  };
}

/** The status that the other files of a run tell of. */
export function rebuiltStatus(runDir: string, id: string): RunStatus {
  const { name, createdAt } = specFacts(runDir, id);
  const found = newestEvents(runDir);
  const owner = readSupervisorFile(runDir)?.supervisor ?? null;
  const supervisorPid = owner && isAlive(owner) ? owner.pid : null;
  const last = found.last ? timeOf(found.last) : createdAt;
  const started = found.started?.type === 'started' ? found.started.payload : null;
  return {
    ...newStatus(id, name),
    ...ending(found, runDir, supervisorPid !== null),
    step: found.step?.step ?? found.finished?.step ?? started?.resumed_from_step ?? 0,
    totalSteps: started?.total_steps ?? null,
    attempt: started?.attempt ?? 0,
    createdAt,
    startedAt: found.started ? timeOf(found.started) : null,
    finishedAt: supervisorPid === null ? last : null,
    updatedAt: last,
    lastLoss: found.step?.type === 'step' ? (found.step.payload.metrics.loss ?? null) : null,
    lastEvalLoss: found.eval?.type === 'eval' ? (found.eval.payload.metrics.loss ?? null) : null,
    checkpoint: newestCheckpoint(runDir)?.name ?? null,
    supervisorPid,
    alarms: readAlarms(runDir, sinceOf(found)),
  };
}

const sinceOf = ({ started }: Found): Since | null =>
  started?.type === 'started'
    ? { timeUs: started.timeUs, resumedFromStep: started.payload.resumed_from_step }
    : null;

type Found = { last?: RunEvent } & { [T in RunEvent['type']]?: RunEvent };

/** The newest event of each type in the newest attempt. */
function newestEvents(runDir: string): Found {
  const found: Found = {};
  let looked = 0;
  for (const line of linesBackwards(join(runDir, eventsFile(0)))) {
    const event = readEvent(line);
    if (event !== null) {
      found.last ??= event;
      found[event.type] ??= event;
    }
    looked += 1;
    if (event?.type === 'started' || looked >= MOST_LINES) break;
  }
  return found;
}

const timeOf = (event: RunEvent) => new Date(event.timeUs / 1000).toISOString();

function ending(found: Found, runDir: string, lives: boolean): Partial<RunStatus> {
  if (lives) return { state: 'running', phase: 'Training' };
  if (found.last === undefined && existsSync(join(runDir, runFiles.queueEntry)))
    return { state: 'queued', phase: QUEUED };
  if (found.finished?.type === 'finished') {
    const { reason } = found.finished.payload;
    return reason === 'completed'
      ? { state: 'completed', phase: 'Completed', phaseProgress: 1 }
      : { state: 'stopped', phase: 'Stopped' };
  }
  const told = found.error?.type === 'error' ? found.error.payload : null;
  const hint = newestCheckpoint(runDir)
    ? 'Resume the run: it goes on from its newest checkpoint.'
    : 'Resume the run to start it again.';
  const unknown = new CollieError(
    'rank.died',
    `How ${basename(runDir)} ended is not written anywhere.`,
    hint,
  );
  return { state: 'failed', phase: 'Failed', error: told ?? unknown.toInfo() };
}

function specFacts(runDir: string, id: string): { name: string; createdAt: string } {
  const createdAt = statSync(join(runDir, runFiles.spec)).mtime.toISOString();
  try {
    return { name: readSpec(runDir).name || id, createdAt };
  } catch {
    return { name: id, createdAt }; // What is wrong with the spec is told when it is needed.
  }
}

/** environment.json, or what the events say of the attempts when it cannot be read; empty when the run never got so far. */
export function environmentOf(runDir: string): Record<string, unknown> {
  const path = join(runDir, runFiles.environment);
  if (!existsSync(path)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below.
  }
  const started = newestEvents(runDir).started;
  if (started?.type !== 'started') return { problem: `${path} cannot be read.` };
  const { attempt, resumed_from_step, device, threads, host } = started.payload;
  const known = { attempt, startedAt: timeOf(started), resumedFromStep: resumed_from_step };
  return {
    problem: `${path} cannot be read: this is what the events say.`,
    attempts: [known],
    device,
    threads,
    host: host ?? null,
  };
}
