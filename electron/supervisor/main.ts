/** `node main.js <run folder> [--resume [--checkpoint <name>]] [--attempt <number>]`: the process that owns one run. Started by server/runs/launch.ts. */
import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isNoticed, keptFile, seriesFolder } from '../server/runs/kept-series.ts';
import { keepSeries } from '../server/runs/series-file.ts';
import { toErrorInfo } from '../shared/errors.ts';
import { eventsFile } from '../shared/runs/run-folder.ts';
import { Supervisor } from './supervisor.ts';

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { resume: { type: 'boolean' }, checkpoint: { type: 'string' }, attempt: { type: 'string' } },
  });
  const [folder = ''] = positionals;
  if (folder === '') throw new TypeError('no run folder was given');
  const { checkpoint, attempt } = values;
  const mode = !values.resume ? 'start' : checkpoint ? (`resume:${checkpoint}` as const) : 'resume';
  const runDir = resolve(folder);
  await new Supervisor(runDir, mode, attempt === undefined ? null : Number(attempt)).run();
  // The run is given back, nobody waits: who opens a long one finds its curves read. What cannot be kept is parsed then.
  const kept = keptFile(seriesFolder(dirname(dirname(runDir))), basename(runDir));
  const { size } = statSync(join(runDir, eventsFile(0)), { throwIfNoEntry: false }) ?? { size: 0 };
  if (isNoticed(size)) await keepSeries(runDir, kept).catch(() => {});
} catch (thrown) {
  process.stderr.write(`${JSON.stringify({ error: toErrorInfo(thrown) })}\n`);
  process.exitCode = thrown instanceof TypeError ? 2 : 1;
}
