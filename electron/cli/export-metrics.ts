/** `collie export-metrics`: what was measured of a run, for other tools. */
import { dirname } from 'node:path';
import type { MetricsFormat } from '../shared/runs/metrics-export.ts';
import { printJson } from './output.ts';
import { withHost } from './session.ts';

export async function exportMetricsCommand(
  id: string,
  { format, out }: { format: MetricsFormat; out: string },
  json: boolean,
): Promise<void> {
  await withHost(async (host) => {
    const { path } = await host.call('runs.exportMetrics', { id, format, out });
    if (json) return printJson({ id, format, path });
    process.stdout.write(`${path}\n`);
    if (format === 'tensorboard')
      process.stdout.write(`look at it with: tensorboard --logdir ${dirname(path)}\n`);
  });
}
