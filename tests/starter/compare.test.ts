/** The story of a comparison with the real starter model: six runs of it, judged on rows that none was trained on. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultHome } from '../../electron/server/host/services.ts';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import { launchBrowser, openPage, skipReason } from '../e2e/support/browser.ts';
import { compareStory } from '../e2e/support/compare-story.ts';
import { HostProcess, makeHome } from '../e2e/support/host.ts';
import { trainSix } from '../e2e/support/six-runs.ts';

const starter = join(defaultHome(), 'models', STARTER_MODEL_ID);

describe.skipIf(skipReason ?? !existsSync(starter))('comparing six runs of the starter model', () => {
  it('the higher of two rates is found to be better, and cloned', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'collie-compare-starter-'));
    const home = makeHome(folder);
    const six = await trainSix(home, {
      model: starter,
      rates: [1e-5, 5e-4],
      rows: 100,
      steps: 8,
      seqLen: 96,
    });
    const host = await HostProcess.start(home);
    const browser = await launchBrowser();
    try {
      const { page, faults } = await openPage(browser, host.url);
      await compareStory(page, six);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      await host.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
