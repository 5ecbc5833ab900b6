/** `node main.js <run folder> [--resume[=<checkpoint>]]`: the process that owns one run. Started by server/runs/launch.ts. */
import { resolve } from 'node:path';
import { toErrorInfo } from '../shared/errors.ts';
import { Supervisor } from './supervisor.ts';

const [folder, flag] = process.argv.slice(2);
const resume = /^--resume(?:=(step-\d{8}))?$/.exec(flag ?? '');
if (!folder || (flag !== undefined && resume === null)) {
  process.stderr.write('usage: main.js <run folder> [--resume[=<checkpoint>]]\n');
  process.exit(2);
}

try {
  const mode = resume === null ? 'start' : resume[1] ? (`resume:${resume[1]}` as const) : 'resume';
  await new Supervisor(resolve(folder), mode).run();
} catch (thrown) {
  process.stderr.write(`${JSON.stringify({ error: toErrorInfo(thrown) })}\n`);
  process.exitCode = 1;
}
