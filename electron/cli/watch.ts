/** `collie watch <run>`: one run on the terminal, redrawn as it goes on. It only looks: Ctrl-C leaves, and the run goes on. */
import { setTimeout as delay } from 'node:timers/promises';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { isLive } from '../server/runs/status.ts';
import { MACHINE_SOURCE } from '../shared/runs/comparison.ts';
import { printJson } from './output.ts';
import { withHost } from './session.ts';
import { watchFrame } from './watch-frame.ts';

const EVERY_MS = 500;
/** Where the terminal does not tell. */
const COLUMNS = 100;

/** Once where the output is no terminal, or is asked to be. Throws run.not_found. */
export async function watchCommand(id: string, flags: { once: boolean; json: boolean }): Promise<void> {
  await withHost(async (host) => {
    const { services } = host;
    if (flags.json) return printJson({ status: services.runs.status(id), metrics: await newest(host, id) });
    const left = new AbortController();
    process.once('SIGINT', () => left.abort());
    let drawn = 0;
    for (;;) {
      const status = services.runs.status(id);
      const series = await services.series.get(services.runs.dir(id));
      const lines = watchFrame(status, series, process.stdout.columns || COLUMNS);
      const live = isLive(status) && process.stdout.isTTY && !flags.once;
      if (live) lines.push('', pc.dim('Ctrl-C leaves; the run goes on.'));
      drawn = draw(lines, drawn);
      if (!live) return;
      await delay(EVERY_MS, undefined, { signal: left.signal }).catch(() => {});
      if (left.signal.aborted) return;
    }
  });
}

/** Over the `before` lines of the last time; returns how many there are now. */
function draw(lines: readonly string[], before: number): number {
  const most = (process.stdout.rows || Number.POSITIVE_INFINITY) - 1;
  const shown = process.stdout.isTTY ? lines.slice(0, most) : lines;
  const back = before > 0 ? `\u001b[${before}A\r\u001b[J` : '';
  process.stdout.write(`${back}${shown.join('\n')}\n`);
  return shown.length;
}

/** The last value of every metric, those of evaluations by their set. */
async function newest({ services }: Host, id: string): Promise<Record<string, Record<string, number>>> {
  const { steps, evals, monitors } = await services.series.get(services.runs.dir(id));
  const last = (values: Float64Array) => values.findLast(Number.isFinite) ?? Number.NaN;
  const lasts = (points: typeof steps) =>
    Object.fromEntries(points.names.map((name) => [name, last(points.metric(name))]));
  const all = { step: steps, ...evals, [MACHINE_SOURCE]: monitors };
  return Object.fromEntries(Object.entries(all).map(([key, points]) => [key, lasts(points)]));
}
