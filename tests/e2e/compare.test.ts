/**
 * Six runs, two learning rates with three seeds each, trained from the command line; then by clicking: opened in Compare, verdict read,
 * comparison saved and exported, the winner cloned. And the library that no one has by hand: two hundred runs, long and live ones among them.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Library, makeLibrary } from '../bench/library.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { axeFindings } from './support/axe.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason, type WatchedPage } from './support/browser.ts';
import { arrange, explore, exportAll, nextRuns, spoiledRuns, voteBlind } from './support/compare-acts.ts';
import { compareStory } from './support/compare-story.ts';
import { go, heading } from './support/flows.ts';
import { type Home, HostProcess, makeHome } from './support/host.ts';
import { collie, type SixRuns, trainSix } from './support/six-runs.ts';

describe.skipIf(skipReason)('comparing six runs', () => {
  let folder: string;
  let home: Home;
  let host: HostProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let six: SixRuns;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-compare-'));
    home = makeHome(folder);
    await collie(home, ['models', 'import', makeTinyModel(join(home.user, 'tiny-llama'))]);
    const model = 'library:tiny-llama';
    six = await trainSix(home, { model, rates: [1e-3, 2e-2], rows: 100, steps: 12, seqLen: 128 });
    host = await HostProcess.start(home);
    browser = await launchBrowser();
    watched = await openPage(browser, host.url);
    page = watched.page;
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  shootOnFailure(() => page);

  it('picked under Runs: two groups, a verdict that holds over seeds, a saved view, an export, the winner cloned', async () => {
    await compareStory(page, six);
    expect(watched.faults).toEqual([]);
  });

  it('every tab is whole, and without findings of axe in light and dark', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      const opened = await openPage(browser, host.url, { width: 1280, height: 900 }, scheme);
      for (const tab of ['overview', 'charts', 'explore', 'data', 'samples', 'examples', 'logs']) {
        await opened.page.goto(`${host.origin}/#/compare?runs=${six.ids.join(',')}&tab=${tab}`);
        await opened.page.getByRole('tab', { selected: true }).waitFor();
        await opened.page.waitForFunction(
          () => document.querySelector('[aria-busy="true"], .mantine-Skeleton-root') === null,
        );
        expect(await axeFindings(opened.page), `${tab}, ${scheme}`).toEqual([]);
      }
      expect(opened.faults).toEqual([]);
      await opened.page.context().close();
    }
  });

  it('says the same on the command line', async () => {
    const text = await collie(home, ['compare', ...six.ids]);
    expect(text).toContain('x3 seeds');
    expect(text).toMatch(/Better: its loss is [\d.]+ nats lower on \d+ rows and 3 matched seeds/);
    const out = join(folder, 'six.html');
    await collie(home, ['compare', ...six.ids, '--format', 'html', '--out', out]);
    expect(readFileSync(out, 'utf8')).toContain('<svg');
  });

  const acts = [
    ['groups are dragged, moved and taken out by keyboard, pinned', arrange],
    ['parallel coordinates are brushed, logarithmic, flipped; anything stands against anything', explore],
    ['answers are voted on blind, and the sign test judges', voteBlind],
    [
      'one setting is tried on another run, the best is continued, both are opened in the Playground',
      nextRuns,
    ],
    ['all four formats are saved as files', exportAll],
  ] as const;
  for (const [title, act] of acts)
    it(title, async () => {
      await act(page, six);
      expect(watched.faults).toEqual([]);
    });

  // The last: it damages the runs.
  it('a saved comparison outlives runs that are removed, half gone or of an older version', async () => {
    await spoiledRuns(page, six, join(home.collie, 'runs'));
    expect(watched.faults).toEqual([]);
  });
});

describe.skipIf(skipReason)('comparing two hundred runs', () => {
  let folder: string;
  let host: HostProcess;
  let browser: Browser;
  let library: Library;
  let watched: WatchedPage;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-compare-200-'));
    const home = makeHome(folder);
    library = makeLibrary(home.collie, { runs: 200, long: 8, longSteps: 20_000, live: 4 });
    expect(existsSync(join(home.collie, 'runs', library.longId))).toBe(true);
    // The oldest two have no metric in common.
    for (const [place, id] of library.ids.slice(-2).entries()) {
      const events = join(home.collie, 'runs', id, 'events/rank-000.jsonl');
      const own = readFileSync(events, 'utf8').replaceAll(
        /"metrics":\{[^}]*\}/g,
        `"metrics":{"own_${place}":1}`,
      );
      writeFileSync(events, own);
    }
    host = await HostProcess.start(home);
    browser = await launchBrowser();
    watched = await openPage(browser, `${host.url}#/runs`);
  });
  afterAll(async () => {
    library?.end();
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  shootOnFailure(() => watched?.page);

  it('picks all of them with one mark, long and live ones among them', async () => {
    const { page } = watched;
    await page.getByRole('checkbox', { name: 'Select all runs shown' }).click();
    await page.getByRole('toolbar', { name: 'Selected runs' }).getByRole('link', { name: 'Compare' }).click();
    await heading(page, 'Comparison').waitFor();
    // Settings are there before the results of the long ones.
    await page.getByRole('rowheader', { name: 'Learning rate' }).first().waitFor();
    await page.getByText('200 runs').waitFor();
    await page.getByRole('list', { name: 'Groups' }).getByText('live').first().waitFor();
    await page.getByRole('rowheader', { name: 'Loss (evaluation)' }).waitFor();
    await page.getByRole('tab', { name: 'Explore' }).click();
    await page.getByRole('img', { name: /^200 runs of 200/ }).waitFor();
    expect(watched.faults).toEqual([]);
  });

  it('shows the first groups, and all of them when asked', async () => {
    const { page } = watched;
    await page.goto(`${host.origin}/#/compare?groups=off&runs=${library.ids.slice(0, 60).join(',')}`);
    const groups = page.getByRole('list', { name: 'Groups' });
    const actions = groups.getByRole('button', { name: /^Actions for / });
    await groups.getByRole('button', { name: 'Show all 60 groups' }).click();
    await actions.nth(59).waitFor();
    // The keyboard goes on at the first that was not shown.
    const first = await actions.nth(40).getAttribute('aria-label');
    await page.waitForFunction(
      (label) => document.activeElement?.getAttribute('aria-label') === label,
      first,
    );
  });

  it('says that runs have no metric in common', async () => {
    const { page } = watched;
    await page.goto(`${host.origin}/#/compare?groups=off&runs=${library.ids.slice(-2).join(',')}`);
    await page.getByText('No metric was measured in two of these groups').waitFor();
    await page.getByRole('rowheader', { name: 'own_0 (evaluation)' }).waitFor();
    expect(watched.faults).toEqual([]);
  });

  it('shows one run, and none', async () => {
    const { page } = watched;
    await page.goto(`${host.origin}/#/compare?runs=${library.longId}`);
    await page.getByText('All of these are one group').waitFor();
    await page.goto(`${host.origin}/#/compare?runs=gone`);
    await page.getByText('No run is left in this comparison').waitFor();
    await go(page, 'Compare');
    await page.getByRole('button', { name: 'Compare' }).waitFor();
    expect(watched.faults).toEqual([]);
  });
});
