/** The log of a run in pages. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { callbackLog } from '../../shared/runs/callbacks.ts';
import { rankLog } from '../../shared/runs/run-folder.ts';
import { recordedCallbacks } from '../callbacks/record.ts';
import { readRange } from './folder.ts';

const PAGE_BYTES = 256 * 1024;

/** One page from a byte offset, of the run or of one of its callbacks. Pages end at a line's end, so that no character is cut. */
export function logPage(
  runDir: string,
  offset: number,
  callback: string | null = null,
): { text: string; nextOffset: number } {
  if (callback !== null && !recordedCallbacks(runDir).some(({ name }) => name === callback))
    throw new CollieError('request.invalid', `The run has no callback "${callback}".`);
  const path = join(runDir, callback === null ? rankLog(0) : callbackLog(callback));
  if (!existsSync(path)) return { text: '', nextOffset: 0 };
  // A file that is shorter than the offset was cut: start again.
  const from = offset > statSync(path).size ? 0 : offset;
  const page = readRange(path, from, from + PAGE_BYTES);
  const lastNewline = page.lastIndexOf(10);
  // A page without any newline is either the torn end of the log (wait for it) or one endless line (take it).
  const end = lastNewline >= 0 ? lastNewline + 1 : page.length === PAGE_BYTES ? page.length : 0;
  return { text: page.subarray(0, end).toString('utf8'), nextOffset: from + end };
}
