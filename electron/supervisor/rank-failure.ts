/** Why the ranks ended without finishing: which one it began with, and what it said or how the system ended it. */
import { errorLine } from '../server/rank/rank.ts';
import { CollieError } from '../shared/errors.ts';
import type { EventPayload } from '../shared/runs/events.ts';
import { head, launcherFailure } from './launcher-failure.ts';

export interface RankExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** An error that a rank wrote as an event, in the order they came. */
export interface RankError {
  rank: number;
  timeUs: number;
  error: EventPayload<'error'>;
}

export interface Evidence {
  world: number;
  /** How collie-rank, or the mpirun above the ranks, ended. */
  exit: RankExit;
  errors: readonly RankError[];
  /** What each rank wrote into its log in this attempt, by rank. */
  logs: readonly string[];
  /** What mpirun wrote in this attempt; empty for one rank. */
  launcher: string;
  /** What the ranks said of themselves, by rank. */
  pids: readonly (number | null)[];
  /** Ranks whose processes were gone before the others, the first first. */
  gone: readonly number[];
  /** The folder's disk has no room left. */
  diskFull: boolean;
  runDir: string;
  /** The next step for the user. */
  hint: string;
}

const LOG_LINES = 20;

/** What happens to the others when one rank ends is a consequence, not the cause. */
const lost = (error: CollieError) => error.code === 'rank.died' || error.code === 'connection.lost';

export function rankFailure(evidence: Evidence): CollieError {
  const { world, hint, runDir } = evidence;
  const said = spoken(evidence);
  if (said) return world > 1 ? named(said.error, said.rank) : said.error;
  if (evidence.diskFull) {
    const message = `The disk of ${runDir} is full, and the training process ended.`;
    return new CollieError('disk.full', message, `Free some space. ${hint}`, { path: runDir });
  }
  return world > 1 ? rankDied(evidence) : processDied(evidence);
}

/** The first error that a rank reported itself: as an event, or as the last line of its log. */
function spoken({ errors, logs }: Evidence): { rank: number; error: CollieError } | null {
  const events = [...errors]
    .sort((a, b) => a.timeUs - b.timeUs)
    .map(({ rank, error }) => ({ rank, error: CollieError.fromInfo(error) }));
  const lines = logs.flatMap((text, rank) => {
    const error = errorLine(text);
    return error ? [{ rank, error }] : [];
  });
  const all = [...events, ...lines];
  return all.find(({ error }) => !lost(error)) ?? all[0] ?? null;
}

/** A watchdog names the ranks it misses; otherwise the rank that wrote the error is the one. */
function named({ code, message, hint, data }: CollieError, rank: number): CollieError {
  const [missing] = Array.isArray(data.missing) ? data.missing : [];
  const of = typeof missing === 'number' ? missing : rank;
  const text = /\brank \d+\b/i.test(message) ? message : `Rank ${of}: ${message}`;
  return new CollieError(code, text, hint, { ...data, rank: of });
}

const SIGNALED = /process rank (\d+) with PID (\d+) on node (\S+) exited on\s+signal (\d+)(?: \(([^)]+)\))?/;
const EXITED = /Process name: \S*?,\s*(\d+)\]\s+Exit code:\s+(\d+)/;
const KILL = 9;

function rankDied({ exit, launcher, gone, logs, pids, hint }: Evidence): CollieError {
  const text = launcher.replaceAll(/\s+/g, ' ');
  const signaled = SIGNALED.exec(text);
  const exited = EXITED.exec(text);
  const rank = signaled ? Number(signaled[1]) : exited ? Number(exited[1]) : (gone[0] ?? null);
  const log = rank !== null && logs[rank] ? tail(logs[rank]) : head(launcher);
  const memory = ' The system may have run out of memory: more ranks, or a smaller micro batch, need less.';
  if (signaled) {
    const [, , launched, host, signal, name] = signaled;
    const pid = pids[Number(rank)] ?? Number(launched); // mpirun may say 0, once the process is gone.
    const message = `Rank ${rank} (process ${pid} on ${host}) was ended by signal ${signal}${name ? ` (${name})` : ''}.`;
    const data = { rank, host, pid, signal: Number(signal), log };
    return new CollieError('rank.died', message, `${hint}${Number(signal) === KILL ? memory : ''}`, data);
  }
  if (exited) {
    const message = `Rank ${rank} ended with exit code ${exited[2]} without saying why.`;
    return new CollieError('rank.died', message, hint, { rank, code: Number(exited[2]), log });
  }
  const unstarted = rank === null ? launcherFailure(launcher) : null;
  if (unstarted) return unstarted;
  const who = rank === null ? 'The launcher of the ranks' : `Rank ${rank}`;
  const how = rank === null ? ended(exit) : 'was gone before the others';
  return new CollieError('rank.died', `${who} ${how} without saying why.`, hint, { rank, ...exit, log });
}

function processDied({ exit, logs, hint }: Evidence): CollieError {
  const memory =
    exit.signal === 'SIGKILL'
      ? ' The system may have run out of memory: a smaller micro batch needs less.'
      : '';
  const message = `The training process ${ended(exit)} without saying why.`;
  return new CollieError('rank.died', message, `${hint}${memory}`, { ...exit, log: tail(logs[0] ?? '') });
}

const ended = ({ code, signal }: RankExit) =>
  signal ? `was ended by signal ${signal}` : `ended with exit code ${code}`;

const tail = (text: string) => text.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
