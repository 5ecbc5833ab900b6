/** Runs that were evaluated on named sets, compared by clicking and on the command line. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason, type WatchedPage } from './support/browser.ts';
import { writeComparedSets } from './support/compared-sets.ts';
import { choose } from './support/flows.ts';
import { type Home, HostProcess, makeHome } from './support/host.ts';
import { collie } from './support/six-runs.ts';

describe.skipIf(skipReason)('comparing runs on evaluation sets', () => {
  let folder: string;
  let home: Home;
  let host: HostProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-compare-sets-'));
    home = makeHome(folder);
    writeComparedSets(home.collie);
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

  const open = (query: string) => page.goto(`${host.origin}/#/compare?${query}`);
  const rows = () => page.getByRole('region', { name: 'Rows', exact: true });
  const dialog = () => page.getByRole('dialog', { name: 'One row' });

  it('tells a verdict by set and by metric, and what the best is worse on', async () => {
    await open('runs=low,high');
    const verdict = page.getByRole('region', { name: 'Verdict' });
    await verdict.getByText(/sums: its number match is 37.5 percentage points higher on 40 rows/).waitFor();
    await verdict.getByText(/parity: its accuracy is 37.5 percentage points higher on 40 rows/).waitFor();
    await verdict.getByText(/manual: its loss is 0.8 nats higher on 40 rows/).waitFor();
    await verdict.getByRole('button', { name: 'How it was tested' }).click();
    const tests = verdict.getByRole('table', { name: 'Tests of High' });
    await tests.getByRole('rowheader', { name: 'F1 of words' }).waitFor();
    await tests
      .getByText(/exact McNemar test: 15 with 1 only for the candidate/)
      .first()
      .waitFor();
    await page
      .getByRole('toolbar', { name: 'The best so far' })
      .getByText(/but worse on manual/)
      .waitFor();
    expect(watched.faults).toEqual([]);
  });

  it('opens an answer beside the other, with the words that differ', async () => {
    await open('runs=low,high&tab=examples');
    await rows().waitFor();
    await choose(page, page, 'Evaluation set', 'sums');
    await page.getByText(/is better on 15, worse on 0, the same on 25, by Number match/).waitFor();
    await page.getByRole('region', { name: 'Number match of each row' }).waitFor();
    await page
      .getByRole('region', { name: 'Slices' })
      .getByRole('rowheader', { name: '30 to 39 tokens' })
      .waitFor();
    await page.getByText('Won', { exact: true }).last().click();
    await rows().getByRole('button', { name: 'What is 30 plus 30?' }).click();
    const [before, after] = ['baseline', 'candidate'].map((side) =>
      dialog().getByRole('region', { name: `Answer of the ${side}` }),
    );
    await before?.locator('del').getByText('surely 61').waitFor();
    await after?.locator('ins').getByText('60').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await choose(page, page, 'Metric', 'F1 of words');
    await page
      .getByRole('figure', { name: /F1 of words of each row: above the line/ })
      .or(page.getByText(/by F1 of words/))
      .first()
      .waitFor();
    expect(watched.faults).toEqual([]);
  });

  it('opens a choice with the labels that were predicted', async () => {
    await open('runs=low,high&tab=examples&set=parity');
    await rows().getByRole('button', { name: 'What is 21 plus 21?' }).click();
    await dialog()
      .getByText(/^even \(75 ?%\), wrong$/)
      .waitFor();
    await dialog()
      .getByText(/^odd \(75 ?%\), right$/)
      .waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  it('says why a set is not comparable, and shows its rows all the same', async () => {
    await open('runs=low,short,older&groups=off');
    const verdict = page.getByRole('region', { name: 'Verdict' });
    await verdict.getByText(/sums: they were decoded otherwise: answer length 20 and 10/).waitFor();
    await verdict.getByText(/sums: older has no evaluation set "sums"/).waitFor();
    await open('runs=low,short&groups=off&tab=examples&set=sums');
    await page.getByText(/These rows are no verdict: they were decoded otherwise/).waitFor();
    await rows().waitFor();
    await open('runs=low,older&groups=off&tab=examples&set=sums');
    await page.getByText('Older has no evaluation set "sums".').waitFor();
    expect(watched.faults).toEqual([]);
  });

  it('has no findings of axe with a row opened, in light and dark', async () => {
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 1920],
    ] as const) {
      const opened = await openPage(browser, host.url, { width, height: 900 }, scheme);
      await opened.page.goto(`${host.origin}/#/compare?runs=low,high&tab=examples&set=sums`);
      await opened.page.getByRole('region', { name: 'Rows', exact: true }).waitFor();
      expect(await axeFindings(opened.page), scheme).toEqual([]);
      await opened.page.getByRole('button', { name: 'What is 30 plus 30?' }).click();
      await opened.page.getByRole('region', { name: 'Answer of the candidate' }).waitFor();
      expect(await axeFindings(opened.page), `${scheme}, a row`).toEqual([]);
      expect(opened.faults).toEqual([]);
      await opened.page.context().close();
    }
  });

  it('says the same on the command line', async () => {
    const text = await collie(home, ['compare', 'low', 'high', '--examples', '1']);
    expect(text).toMatch(/High, sums: Better: its number match is 37.5 percentage points higher/);
    expect(text).toMatch(/High +sums +Number match +40 +15 +0 +25/);
    expect(text).toMatch(/baseline: +The sum is surely 41\ncandidate: +The sum is 40/);
    const { verdicts, examples } = JSON.parse(await collie(home, ['--json', 'compare', 'low', 'high']));
    expect(verdicts.map(({ set }: { set: string }) => set)).toEqual(['eval', 'sums', 'parity', 'manual']);
    expect(examples[1]).toMatchObject({ set: 'sums', metrics: [{ name: 'number_match', won: 15 }, {}, {}] });
  });
});
