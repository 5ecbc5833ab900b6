/** `node main.js <run folder> [--resume [--checkpoint <name>]] [--attempt <number>]`: the process that owns one run. Started by server/runs/launch.ts. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toErrorInfo } from '../shared/errors.ts';
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
  await new Supervisor(resolve(folder), mode, attempt === undefined ? null : Number(attempt)).run();
} catch (thrown) {
  process.stderr.write(`${JSON.stringify({ error: toErrorInfo(thrown) })}\n`);
  process.exitCode = thrown instanceof TypeError ? 2 : 1;
}
