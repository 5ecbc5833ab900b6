/** Writes the loss of every step into loss.csv, in the folder of the callback inside of the run's. A resumed run cuts what is trained again. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Callback } from './collie-callbacks.d.ts';

const FILE = 'loss.csv';
const HEAD = 'step,loss,learning_rate';

export default {
  onStart({ resumedFromStep }) {
    const lines = existsSync(FILE) ? readFileSync(FILE, 'utf8').trimEnd().split('\n').slice(1) : [];
    const kept = lines.filter((line) => Number(line.split(',')[0]) <= resumedFromStep);
    writeFileSync(FILE, `${[HEAD, ...kept].join('\n')}\n`);
  },

  onStep({ step, metrics, missed }) {
    if (missed > 0) console.log(`${missed} steps before step ${step} were missed`);
    appendFileSync(FILE, `${step},${metrics.loss ?? ''},${metrics.learning_rate ?? ''}\n`);
  },
} satisfies Callback;
