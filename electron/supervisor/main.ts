/** `node main.js <run folder> [--resume]`: the process that owns one run. Started by server/runs/launch.ts. */
import { resolve } from 'node:path';
import { toErrorInfo } from '../shared/errors.ts';
import { Supervisor } from './supervisor.ts';

const [folder, flag] = process.argv.slice(2);
if (!folder || (flag !== undefined && flag !== '--resume')) {
  process.stderr.write('usage: main.js <run folder> [--resume]\n');
  process.exit(2);
}

try {
  await new Supervisor(resolve(folder), flag === '--resume' ? 'resume' : 'start').run();
} catch (thrown) {
  process.stderr.write(`${JSON.stringify({ error: toErrorInfo(thrown) })}\n`);
  process.exitCode = 1;
}
