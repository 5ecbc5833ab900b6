/** What a start of the host cleans up in its library. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { IMPORTING } from '../datasets/folder.ts';
import { TokenStores } from '../datasets/token-stores.ts';
import { removeDeadSockets, removeLeftovers, removeTemporaryFiles } from '../files/leftovers.ts';
import { PARTIAL_MODEL } from '../models/ids.ts';
import { SweepStore } from '../queue/sweep-store.ts';
import { socketFolders } from '../runs/control.ts';
import { seriesFolder, sweepSeries } from '../runs/kept-series.ts';
import type { RunRegistry } from '../runs/registry.ts';

export async function sweepLibrary(home: string, runs: RunRegistry): Promise<void> {
  await runs.sweep();
  await new SweepStore(home).sweep();
  for (const id of await readdir(join(home, 'runs')).catch(() => [])) {
    if (!id.startsWith('.'))
      for (const part of ['', runFiles.exportDir]) await removeTemporaryFiles(join(home, 'runs', id, part));
  }
  for (const folder of ['datasets', 'cache/datasets']) await removeLeftovers(join(home, folder), IMPORTING);
  await new TokenStores(home).sweep();
  await removeLeftovers(join(home, 'models'), PARTIAL_MODEL);
  await removeLeftovers(seriesFolder(home), '.series-');
  await sweepSeries(seriesFolder(home), runs.ids());
  for (const folder of socketFolders(home)) await removeDeadSockets(folder);
}
