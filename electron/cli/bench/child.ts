/** One process of the benchmark: runs it, follows its steps, and measures its peak memory from outside. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readLines } from '../../server/files/lines.ts';
import { CollieError } from '../../shared/errors.ts';

export interface StepRecord {
  /** When the step ended, by the clock of the machine. */
  timeUs: number;
  /** Real tokens, never padding. */
  tokens: number;
  loss: number;
}

/** A line as a step, as information about the process, or as neither. */
export type Parsed = StepRecord | { info: Record<string, unknown> } | null;

export interface ChildResult {
  /** Seconds of every step but the first, which warms up: from the end of the step before to its own end. */
  stepSeconds: number[];
  /** Loss of every step, the warm-up first: both sides start from the same weights. */
  losses: number[];
  tokensPerSecond: number;
  /** Most resident memory in the life of the process, from /proc; null where there is none. */
  peakBytes: number | null;
  info: Record<string, unknown>;
}

export interface ChildCommand {
  title: string;
  program: string;
  args: string[];
  env: Record<string, string>;
  /** Steps with the warm-up. The process is ended once it has reported that many. */
  steps: number;
  /** Where the lines are that `parse` reads: a file that grows, or standard output (null). */
  eventFile: string | null;
  parse: (line: string) => Parsed;
}

const POLL_MS = 50;
const TAIL_LINES = 15;

/** VmHWM, the kernel's own high-water mark of resident memory: no sample can miss a peak. */
function peakResident(pid: number): number | null {
  try {
    const match = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null; // not Linux, or the process has ended
  }
}

/** Calls back for each whole line of a growing file, whenever it is polled. */
function follow(path: string, onLine: (line: string) => void): () => void {
  let offset = 0;
  return () => {
    if (!existsSync(path)) return;
    const text = readFileSync(path, 'utf8');
    for (let end = text.indexOf('\n', offset); end >= 0; end = text.indexOf('\n', offset)) {
      onLine(text.slice(offset, end));
      offset = end + 1;
    }
  };
}

export function runChild(command: ChildCommand): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.program, command.args, {
      env: { ...process.env, ...command.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const steps: StepRecord[] = [];
    const tail: string[] = [];
    let info: Record<string, unknown> = {};
    let peakBytes: number | null = null;

    const measure = () => {
      const peak = child.pid === undefined ? null : peakResident(child.pid);
      if (peak !== null) peakBytes = Math.max(peakBytes ?? 0, peak);
    };
    const onLine = (line: string) => {
      const parsed = command.parse(line);
      if (parsed === null) return;
      if ('info' in parsed) info = parsed.info;
      else if (steps.push(parsed) === command.steps) {
        // What follows (a checkpoint) is no part of the measurement, on neither side.
        measure();
        child.kill('SIGKILL');
      }
    };
    const remember = (line: string) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
    };
    const followFile = command.eventFile === null ? () => {} : follow(command.eventFile, onLine);
    const poll = () => {
      measure();
      followFile();
    };
    const timer = setInterval(poll, POLL_MS);

    child.stdin.on('error', () => {}); // Its exit says why.
    readLines(child.stderr, remember);
    readLines(child.stdout, (line) => {
      if (command.eventFile === null) onLine(line);
      remember(line);
    });
    child.on('error', (error) => {
      clearInterval(timer);
      reject(new CollieError('rank.died', `${command.title} did not start: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      clearInterval(timer);
      poll();
      if (steps.length < command.steps) reject(died(command, steps.length, signal ?? `code ${code}`, tail));
      else resolve(summary(steps.slice(0, command.steps), peakBytes, info));
    });
  });
}

function died(command: ChildCommand, done: number, how: string, tail: string[]): CollieError {
  return new CollieError(
    'rank.died',
    `${command.title} ended with ${how} after ${done} of ${command.steps} steps:\n${tail.join('\n')}`,
    'Try fewer tokens (--batch, --seq) if memory ran out.',
    { program: command.program, args: command.args },
  );
}

/** Speed over all steps but the first: their tokens, in the time between the end of the first step and of the last. */
export function summary(
  steps: StepRecord[],
  peakBytes: number | null,
  info: Record<string, unknown>,
): ChildResult {
  const stepSeconds = steps.slice(1).map((step, i) => (step.timeUs - (steps[i] as StepRecord).timeUs) / 1e6);
  if (stepSeconds.length === 0)
    throw new CollieError(
      'request.invalid',
      'A benchmark needs a step besides the warm-up.',
      'Give --steps 1 or more.',
    );
  const seconds = stepSeconds.reduce((a, b) => a + b, 0);
  const tokens = steps.slice(1).reduce((sum, step) => sum + step.tokens, 0);
  return {
    stepSeconds,
    losses: steps.map((step) => step.loss),
    tokensPerSecond: tokens / seconds,
    peakBytes,
    info,
  };
}
