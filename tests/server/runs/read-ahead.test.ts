/** Series of runs that ended are kept before anybody opens them; live ones are left alone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ReadAhead } from '../../../electron/server/runs/read-ahead.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { makeLibrary } from '../../bench/library.ts';
import { scratchFolder } from '../datasets/fixtures.ts';

it('reads each run that ended once', async () => {
  const home = scratchFolder('ahead');
  const library = makeLibrary(home, { runs: 3, long: 1, longSteps: 20_000, live: 1 });
  library.end();
  const folder = join(home, 'series');
  const ahead = new ReadAhead(new RunRegistry(home), folder);
  await ahead.readAll();
  expect(library.ids.map((id) => existsSync(join(folder, `${id}.series`)))).toEqual([false, true, true]);
  const steps = library.ids.slice(1).map(async (id) => {
    const { steps: all } = await new SeriesCache(undefined, folder).get(join(home, 'runs', id));
    return all.length;
  });
  expect(await Promise.all(steps)).toEqual([20_000, 400]);
});

it('stops where it is when the host ends', async () => {
  const home = scratchFolder('ahead-closed');
  const library = makeLibrary(home, { runs: 1, long: 1, longSteps: 20_000, live: 0 });
  const ahead = new ReadAhead(new RunRegistry(home), join(home, 'series'));
  ahead.close();
  await ahead.readAll();
  library.end();
  expect(existsSync(join(home, 'series'))).toBe(false);
});
