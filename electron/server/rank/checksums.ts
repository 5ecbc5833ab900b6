/** Checksums of the files of a folder (`collie-rank checksums`): exports get them, and runs that start from one look whether they still hold. */
import { spawn } from 'node:child_process';
import { keepTail } from '../files/lines.ts';
import { diedError, requireRank } from './rank.ts';

/** Writes `checksums.json` of the files in `folder`. Throws engine.not_built, disk.full. */
export async function writeChecksums(folder: string, signal: AbortSignal): Promise<void> {
  await ask(['--write', folder], signal);
}

function ask(args: string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(requireRank(), ['checksums', ...args], { stdio: ['ignore', 'pipe', 'pipe'], signal });
    const stdout = keepTail(child.stdout, 64_000);
    const stderr = keepTail(child.stderr, 8_000);
    child.on('error', (error) => child.pid === undefined && reject(error));
    child.once('close', (code, killed) =>
      code === 0 ? resolve(stdout()) : reject(diedError(code, killed, stderr())),
    );
  });
}
