/** Questions to a model while it trains: sent to its supervisor, answered between two steps into a file that is followed here. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../shared/api/json.ts';
import { errorInfoSchema } from '../../shared/error-info.ts';
import { CollieError } from '../../shared/errors.ts';
import { writeTextSync } from '../files/write.ts';
import type { LiveRequest } from './control.ts';
import { followLines } from './event-file.ts';
import type { RunRegistry } from './registry.ts';
import { isLive } from './status.ts';

const lineSchema = z.union([
  z.object({ token: z.number().int().min(0) }),
  z.object({
    finish: z.enum(['stop', 'length', 'cancelled']),
    seconds: z.number(),
    step: z.number().int().min(0),
  }),
  z.object({ error: errorInfoSchema }),
]);

export type LiveLine =
  | { kind: 'token'; token: number }
  | { kind: 'done'; finish: 'stop' | 'length'; seconds: number; step: number };

/** Between looks at a run that says nothing. */
const LOOK_MS = 1000;

/** Tokens as they come, then the end. Throws run.not_live when the run ends before that, and what the rank says. */
export async function* askRun(
  runs: RunRegistry,
  id: string,
  request: LiveRequest,
  signal: AbortSignal,
): AsyncGenerator<LiveLine> {
  const folder = join(runs.dir(id), 'answers');
  const question = randomUUID();
  const file = join(folder, `${question}.jsonl`);
  mkdirSync(folder, { recursive: true });
  const lost = new AbortController();
  // Made here, so that its end is seen: the engine removes it when it cannot write.
  writeTextSync(file, '');
  const asked = attemptOf(runs, id);
  const gone = () => attemptOf(runs, id) !== asked || !existsSync(file);
  const look = setInterval(() => gone() && lost.abort(), LOOK_MS);
  let answered = false;
  try {
    await runs.control(id, { command: 'ask', id: question, request });
    for await (const { lines } of followLines(
      [{ path: file, from: 0 }],
      AbortSignal.any([signal, lost.signal]),
    )) {
      for (const text of lines) {
        const line = lineSchema.parse(parseJson(text));
        answered = !('token' in line);
        if ('error' in line) throw CollieError.fromInfo(line.error);
        if ('token' in line) yield { kind: 'token', token: line.token };
        else if (line.finish !== 'cancelled') yield { kind: 'done', ...line, finish: line.finish };
        if (answered) return;
      }
    }
    if (!signal.aborted) throw attemptOf(runs, id) === asked ? notWritten(id, file) : notAnswered(id);
  } finally {
    clearInterval(look);
    if (!answered) await runs.control(id, { command: 'cancel', id: question }).catch(() => {});
    rmSync(file, { force: true });
  }
}

/** Another one knows nothing of a question; null: the run has ended. */
function attemptOf(runs: RunRegistry, id: string): string | null {
  try {
    const status = runs.status(id);
    return isLive(status) ? `${status.attempt} ${status.restarts.length}` : null;
  } catch {
    return null; // Removed.
  }
}

const notWritten = (id: string, file: string): CollieError =>
  new CollieError(
    'disk.full',
    'The answer could not be written into the run folder: its disk is full, or the folder was changed.',
    'Free some disk space, then ask again.',
    { id, path: file },
  );

const notAnswered = (id: string): CollieError =>
  new CollieError(
    'run.not_live',
    'The run ended, or was started again, before it had answered.',
    'Ask again, or open its checkpoint in the Playground.',
    { id },
  );
