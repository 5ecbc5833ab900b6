/** A check that somebody's pattern or schema makes: it may take for ever on some answers, and the supervisor that runs it has to hear of a stop. */
import { runInNewContext } from 'node:vm';
import { CollieError } from '../../shared/errors.ts';

/** Far above what sound ones take on the longest answer. */
const LIMIT_MS = 1000;

/** `what`: as the error calls it. Throws spec.invalid when it takes too long. */
export function limited<T>(what: string, check: () => T): T {
  try {
    return runInNewContext('check()', { check }, { timeout: LIMIT_MS }) as T;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw thrown;
    throw new CollieError(
      'spec.invalid',
      `${what} took longer than ${LIMIT_MS / 1000} s on one answer.`,
      'Write it without repetitions inside of repetitions, as in (a+)+.',
    );
  }
}
