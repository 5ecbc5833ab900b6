/** `node main.js <home>`: the process that starts what is queued. Started by every host that finds something in the queue. */
import { resolve } from 'node:path';
import { QueueRunner } from './runner.ts';

const [home] = process.argv.slice(2);
if (!home) {
  process.stderr.write('usage: main.js <library folder>\n');
  process.exit(2);
}

process.on('SIGHUP', () => {}); // A closed terminal is no reason to end.
await new QueueRunner(resolve(home), (line) => {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}).run();
