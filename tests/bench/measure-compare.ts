/**
 * How Compare does with a large library, in Chromium: `npx tsx tests/bench/measure-compare.ts [--runs 200] [--long-steps 100000]`. Needs
 * `npm run build`. Opens all runs (as nobody has before, again, and with a host that has just been started over runs that one has read), and eight of
 * so many steps. Prints a Markdown table; run it on a quiet machine. `--openings`: only all runs.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { keptFile, seriesFolder } from '../../electron/server/runs/kept-series.ts';
import { launchBrowser, openPage } from '../e2e/support/browser.ts';
import { HostProcess, makeHome } from '../e2e/support/host.ts';
import { note, printFigures } from './figures.ts';
import { framesDuring } from './frames.ts';
import { makeLibrary } from './library.ts';
import { browserPath, found, PlainBrowser, type PlainPage } from './plain-browser.ts';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    'long-steps': { type: 'string', default: '100000' },
    openings: { type: 'boolean', default: false },
  },
});
const LONG = 8;
const LIVE = 4;
const count = Number(flags.runs);
const idOf = (place: number) => `run-${String(place).padStart(4, '0')}`;
const all = Array.from({ length: count }, (_, place) => idOf(place));
/** Short ones alone, and the long ones alone: their reading is another matter than their number. */
const short = all.filter((_, place) => place < LIVE || place >= LIVE + LONG);
const long = all.slice(LIVE, LIVE + LONG);

const row = (name: string) =>
  `[...document.querySelectorAll('th[scope=row]')].some(({ textContent }) => textContent.includes('${name}'))`;

async function opening(page: PlainPage, origin: string, ids: readonly string[], name: string): Promise<void> {
  const url = `${origin}/#/compare?groups=off&runs=${ids.join(',')}`;
  const results = `${row('Loss (evaluation)')} && ${found('[data-chart] path[data-line]')}`;
  const [settings = 0, whole = 0] = await page.open(url, row('Learning rate'), results);
  note(`${name}: settings are there`, `${settings.toFixed(2)} s`, '< 2 s');
  note(`${name}: results and the chart are there`, `${whole.toFixed(2)} s`, '< 2 s');
}

async function moving(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/#/compare?groups=off&runs=${long.join(',')}&tab=charts`);
  await page.locator('[data-place="steps/loss"]').scrollIntoViewIfNeeded();
  const chart = page.locator('[data-chart="steps/loss"]');
  await chart
    .locator('path[data-line]')
    .nth(LONG - 1)
    .waitFor({ state: 'attached' });
  const plot = chart.locator('[role=slider]');
  await plot.scrollIntoViewIfNeeded();
  await page.waitForTimeout(1500);
  const box = await plot.boundingBox();
  if (!box) throw new Error('the chart has no plot');
  const y = box.y + box.height / 2;
  const hover = async () => {
    for (let i = 0; i <= 120; i++) await page.mouse.move(box.x + (box.width * i) / 120, y);
  };
  note(
    `Hover, ${LONG} runs of ${flags['long-steps']} steps, all charts linked`,
    await framesDuring(page, hover),
    '60 frames/s',
  );
  const zoom = async () => {
    for (const [from, to] of [
      [0.2, 0.8],
      [0.3, 0.6],
    ] as const) {
      await page.mouse.move(box.x + box.width * from, y);
      await page.mouse.down();
      for (let i = 1; i <= 40; i++)
        await page.mouse.move(box.x + box.width * (from + ((to - from) * i) / 40), y);
      await page.mouse.up();
      await page.waitForTimeout(600);
    }
  };
  note('Zoom', await framesDuring(page, zoom), '60 frames/s');
}

/** Until the host has kept the series of all of these that have ended (kept-series.ts). */
async function kept(ids: readonly string[]): Promise<void> {
  const ended = ids.slice(LIVE);
  while (!ended.every((id) => existsSync(keptFile(seriesFolder(home.collie), id))))
    await new Promise((resolve) => setTimeout(resolve, 200));
}

/** With a browser of its own, in which the workbench is open already. */
async function plainly(act: (page: PlainPage) => Promise<void>): Promise<void> {
  const { page, close } = await PlainBrowser.launch(browserPath());
  try {
    await page.open(host.url, found('nav'));
    await act(page);
  } finally {
    await close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'collie-measure-compare-'));
const home = makeHome(folder);
const library = makeLibrary(home.collie, {
  runs: count,
  long: LONG,
  longSteps: Number(flags['long-steps']),
  live: LIVE,
});
let host = await HostProcess.start(home);
const browser = await launchBrowser();
try {
  await plainly(async (page) => {
    await opening(page, host.origin, short, `${short.length} runs that no host has read`);
    await opening(page, host.origin, short, `${short.length} runs again`);
    await kept(short);
  });
  await host.stop();
  host = await HostProcess.start(home);
  await plainly(async (page) => {
    await opening(page, host.origin, short, `${short.length} runs, first after a start of the host`);
    if (!flags.openings)
      await opening(page, host.origin, long, `${LONG} runs of ${flags['long-steps']} steps`);
  });
  if (!flags.openings) {
    const { page } = await openPage(browser, host.url);
    page.setDefaultTimeout(180_000);
    // What tsx puts into functions that go to the page.
    await page.addInitScript('globalThis.__name = (value) => value');
    await page.waitForSelector('nav');
    await moving(page, host.origin);
  }
  printFigures();
} finally {
  library.end();
  await browser.close();
  await host.stop();
  rmSync(folder, { recursive: true, force: true });
}
