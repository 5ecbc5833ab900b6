/** Event files of ours as TensorBoard itself reads them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exportMetrics } from '../../electron/server/exports/metrics.ts';
import { emptySeries, reduceEvents } from '../../electron/shared/runs/series.ts';
import { EventScript } from '../support/event-script.ts';
import { referencePython } from '../support/python.ts';

const { python, skip } = await referencePython();
const folder = mkdtempSync(join(tmpdir(), 'collie-tensorboard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(skip)('TensorBoard', () => {
  it('reads every scalar at its step, with its wall time', { timeout: 120_000 }, async () => {
    const script = new EventScript();
    script.started();
    // More than 127 steps and long names: numbers and lengths of several bytes.
    for (let step = 1; step <= 300; step += 1) script.step(step, 3 / step, { ['x'.repeat(150)]: -step });
    script.eval(300, 1.25);
    script.eval(300, 1.5, 'sums');
    script.monitored(300, { cpu_share: 0.5, 'cpu_share/rank-1': 0.25 });
    const series = reduceEvents(emptySeries, script.events);
    await exportMetrics({ id: 'run-1', runDir: folder, series, format: 'tensorboard', out: folder });
    const told = execFileSync(python ?? '', [join(import.meta.dirname, 'read_tensorboard.py'), folder], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    const scalars = JSON.parse(told) as Record<string, [step: number, value: number, wallTime: number][]>;
    const { steps } = series;
    expect(scalars['train/loss']).toEqual(
      Array.from({ length: 300 }, (_, row) => [
        row + 1,
        Math.fround(3 / (row + 1)),
        1_760_000_000 + steps.place(row).seconds,
      ]),
    );
    const valuesOf = (tag: string) => scalars[tag]?.map(([step, value]) => [step, value]);
    expect(valuesOf(`train/${'x'.repeat(150)}`)?.at(-1)).toEqual([300, -300]);
    expect(valuesOf('eval/loss')).toEqual([[300, 1.25]]);
    expect(valuesOf('eval/sums/loss')).toEqual([[300, 1.5]]);
    expect(valuesOf('machine/cpu_share/rank-1')).toEqual([[300, 0.25]]);
    expect(Object.keys(scalars)).toHaveLength(steps.names.length + 2 * 5 + 2);
  });
});
