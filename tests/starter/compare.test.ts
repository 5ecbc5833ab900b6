/**
 * The story of a comparison with the real starter model: six runs of it, judged on rows that none was trained on, by clicking and on the command
 * line.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultHome } from '../../electron/server/host/services.ts';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import { launchBrowser, openPage, skipReason } from '../e2e/support/browser.ts';
import { compareStory } from '../e2e/support/compare-story.ts';
import { type Home, HostProcess, makeHome } from '../e2e/support/host.ts';
import { collie, type SixRuns, trainSix } from '../e2e/support/six-runs.ts';

const starter = join(defaultHome(), 'models', STARTER_MODEL_ID);
/** Two minutes a run on two cores that others use as well. */
const TRAINING_MS = 30 * 60_000;

describe.skipIf(skipReason ?? !existsSync(starter))('comparing six runs of the starter model', () => {
  let folder: string;
  let home: Home;
  let six: SixRuns;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-compare-starter-'));
    home = makeHome(folder);
    // A quarter of the rows is held out: what a verdict needs at least, and some more.
    six = await trainSix(home, { model: starter, rates: [1e-5, 5e-4], rows: 88, steps: 8, seqLen: 96 });
  }, TRAINING_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('the higher of two rates is found to be better, and cloned', async () => {
    const host = await HostProcess.start(home);
    const browser = await launchBrowser();
    try {
      const { page, faults } = await openPage(browser, host.url);
      await compareStory(page, six);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      await host.stop();
    }
  });

  it('says the same on the command line, and exports the same page', async () => {
    const text = await collie(home, ['compare', ...six.ids]);
    expect(text).toMatch(
      /Rate 0\.0005 x3 seeds: Better: its loss is [\d.]+ nats lower on 22 rows and 3 matched seeds/,
    );
    const out = join(folder, 'six.html');
    await collie(home, ['compare', ...six.ids, '--format', 'html', '--out', out]);
    expect(readFileSync(out, 'utf8')).toContain('Better: its loss is');
  });
});
