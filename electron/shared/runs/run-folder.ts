/** Names inside a run folder. Pure path pieces, no file access. The layout is docs/run-folder.md. */

export const runFiles = {
  spec: 'spec.json',
  environment: 'environment.json',
  status: 'status.json',
  dataDir: 'data',
  /** What evaluations found row by row (shared/runs/evaluation-rows.ts). */
  evaluationsDir: 'evaluations',
  eventsDir: 'events',
  logsDir: 'logs',
  checkpointsDir: 'checkpoints',
  /** With checkpoint.best_by: what was measured, and the best of it. */
  bestCheckpoints: 'checkpoints/best.json',
  samplesDir: 'samples',
  samples: 'samples/samples.jsonl',
  exportDir: 'export',
  /** What the launcher of several ranks (mpirun) says. */
  launcherLog: 'logs/launcher.log',
  supervisorLog: 'logs/supervisor.log',
  /** Holds the path of the supervisor's control socket. */
  socket: 'supervisor.json',
  /** Of a run that was put in the queue (shared/runs/queue.ts). */
  queueEntry: 'queue-entry.json',
  /** What was found alarming, a line each (shared/runs/alarms/alarm.ts). */
  alarms: 'alarms.jsonl',
  /** What was changed while it trained (shared/runs/requests.ts). */
  changes: 'changes.json',
  /** Of a run that trains nothing: what it evaluates (shared/runs/evaluates.ts). */
  evaluates: 'evaluates.json',
  /** Of a run with callbacks: which code runs beside it (shared/runs/callbacks.ts). */
  callbacks: 'callbacks/callbacks.json',
  /** What callbacks have logged and asked for, as events of a stream of their own. */
  callbackEvents: 'events/callbacks.jsonl',
  /** What the supervisor has measured of the machine, likewise. */
  monitorEvents: 'events/monitors.jsonl',
  /** Of a run of a sweep with successive halving (shared/runs/halving.ts). */
  rungs: 'rungs.json',
} as const;

/** Of a named evaluation set. */
export const setSplit = (set: string) => `set-${set}`;
export const setRowsFile = (set: string) => `data/${setSplit(set)}.rows.jsonl`;
export const setPromptsFile = (set: string) => `data/${setSplit(set)}.prompts.json`;
const stepName = (step: number) => `step-${String(step).padStart(8, '0')}`;
export const setRecord = (set: string, step: number) => `evaluations/${set}/${stepName(step)}.jsonl`;
export const setRawRecord = (set: string, step: number) => `evaluations/${set}/${stepName(step)}.raw.jsonl`;

const rankName = (rank: number) => `rank-${String(rank).padStart(3, '0')}`;
export const eventsFile = (rank: number) => `events/${rankName(rank)}.jsonl`;
export const rankLog = (rank: number) => `logs/${rankName(rank)}.log`;
export const checkpointName = stepName;

/** Step of a checkpoint folder name, or null when it is none. */
export function checkpointStep(name: string): number | null {
  const match = /^step-(\d{8})$/.exec(name);
  return match ? Number(match[1]) : null;
}

export const CHECKPOINT_DONE = 'DONE';
/** In the place of a checkpoint's name: the best by `checkpoint.best_by`. */
export const BEST_CHECKPOINT = 'best';
