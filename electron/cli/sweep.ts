/** `collie sweep`: many runs of one spec with other values of some settings, put in the queue. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import pc from 'picocolors';
import { decodeText } from '../server/files/text.ts';
import type { Host } from '../server/host.ts';
import { CollieError } from '../shared/errors.ts';
import type { SweepPreview } from '../shared/spec/sweep-preview.ts';
import { formatBytes, formatSeconds, issueLine, printJson, printNote, printTable } from './output.ts';
import { withHost } from './session.ts';
import { newestSpec } from './spec-file.ts';
import { allowing } from './trust.ts';

/** A sweep file; relative paths in its spec start at the folder of the file. */
function readSweepFile(path: string): unknown {
  let sweep: unknown;
  try {
    sweep = JSON.parse(decodeText(readFileSync(resolve(path))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code) throw error;
    throw new CollieError('spec.invalid', `${path} is no JSON: ${(error as Error).message}`, '', {
      issues: [],
    });
  }
  if (typeof sweep !== 'object' || sweep === null || !('spec' in sweep)) return sweep;
  const { spec } = sweep;
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return sweep;
  return { ...sweep, spec: newestSpec({ ...spec }, dirname(resolve(path)), printNote) };
}

export async function sweepCommand(
  path: string,
  flags: {
    to?: string;
    dryRun: boolean;
    leaveOut: boolean;
    trustCallbacks: boolean;
    allowJudge: string[];
    json: boolean;
  },
): Promise<void> {
  await withHost(async (host) => {
    const sweep = readSweepFile(path);
    if (flags.dryRun) {
      const preview = await host.call('sweeps.preview', { sweep, of: flags.to ?? null });
      if (flags.json) printJson(preview);
      else print(preview);
      return;
    }
    const { id, ids } = await allowing(host, flags, () => queued(host, sweep, flags));
    if (flags.json) printJson({ id, ids });
    else for (const id of ids) process.stdout.write(`${id}\n`);
    if (!flags.json && ids.length > 0)
      process.stderr.write(pc.dim(`compare them with: collie compare ${ids.join(' ')}\n`));
  });
}

/** As a new sweep, or into the one that is named. */
async function queued(
  host: Host,
  sweep: unknown,
  { to, leaveOut }: { to?: string; leaveOut: boolean },
): Promise<{ id: string; ids: string[] }> {
  if (to === undefined) return host.call('sweeps.add', { sweep, leave_out: leaveOut });
  const { ids } = await host.call('sweeps.extend', { id: to, sweep, leave_out: leaveOut });
  return { id: to, ids };
}

function print({ points, duplicates, excluded, runs, totalSeconds, mostMemoryBytes }: SweepPreview): void {
  const paths = Object.keys(points[0]?.values ?? {});
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  printTable([
    [...paths, 'runs', 'time of one', 'memory', ''],
    ...points.map(({ values, again, runs: count, issues, seconds, memoryBytes }) => [
      ...paths.map((path) => text(values[path])),
      String(count),
      seconds === null ? '-' : formatSeconds(seconds),
      memoryBytes === null ? '-' : formatBytes(memoryBytes),
      [...issues.map(issueLine), ...(again > 0 ? [`made ${again + 1} times, counts once`] : [])].join('; '),
    ]),
  ]);
  const impossible = points.filter(({ issues }) => issues.length > 0).length;
  const left = [
    ...(duplicates > 0 ? [`${duplicates} twice the same`] : []),
    ...(excluded > 0 ? [`${excluded} left out by constraints`] : []),
    ...(impossible > 0 ? [`${impossible} that cannot be run`] : []),
  ];
  const time = totalSeconds === null ? '' : `, ${formatSeconds(totalSeconds)} one after another`;
  const memory = mostMemoryBytes === null ? '' : `, at most ${formatBytes(mostMemoryBytes)} at once`;
  process.stdout.write(`${runs} runs${time}${memory}${left.length > 0 ? ` (${left.join(', ')})` : ''}\n`);
}
