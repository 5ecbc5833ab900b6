/**
 * How the page does with a large library, in Chromium: `npx tsx tests/bench/measure-page.ts [--runs 200] [--long-steps 100000]
 * [--shots folder] [--openings | --no-openings]`. Needs `npm run build`. Prints a Markdown table for docs/benchmarks.md; run it on a quiet machine. `--openings`: only opening a long
 * run; `--no-openings`: all else.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { HostProcess, makeHome } from '../e2e/support/host.ts';
import { note, printFigures } from './figures.ts';
import { cpuSeconds, framesDuring } from './frames.ts';
import { makeLibrary } from './library.ts';
import { browserPath, found, PlainBrowser } from './plain-browser.ts';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    'long-steps': { type: 'string', default: '100000' },
    shots: { type: 'string' },
    openings: { type: 'boolean' },
  },
  allowNegative: true,
});

async function list(page: Page, url: string): Promise<void> {
  const begin = Date.now();
  await page.goto(`${url}#/runs`);
  // Complete: every row in view has its settings and its curve.
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('tbody tr[aria-rowindex]')].slice(0, 12);
    return (
      rows.length === 12 &&
      rows.every((row) => /LoRA|Full/.test(row.textContent ?? '') && row.querySelector('td polyline'))
    );
  });
  note(
    `List of ${flags.runs} runs, page loaded anew, complete`,
    `${((Date.now() - begin) / 1000).toFixed(2)} s`,
    '< 1 s',
  );
  const scroll = () =>
    page.evaluate(async () => {
      const box = document.querySelector('table')?.parentElement as HTMLElement;
      const end = performance.now() + 3000;
      for (let step = 40; performance.now() < end; ) {
        await new Promise(requestAnimationFrame);
        box.scrollTop += step;
        if (box.scrollTop <= 0 || box.scrollTop + box.clientHeight >= box.scrollHeight - 1) step = -step;
      }
    });
  note('Scrolling it', await framesDuring(page, scroll), '60 frames/s');
  await page.evaluate(() => document.querySelector('table')?.parentElement?.scrollTo(0, 0));
  const before = await cpuSeconds(page);
  const seconds = 10;
  await page.waitForTimeout(seconds * 1000);
  const share = ((await cpuSeconds(page)) - before) / seconds;
  note('Page idle with four live runs', `${(share * 100).toFixed(1)}% of a core`, '< 5%');
}

const drawn = `figure[aria-label*="${flags['long-steps']} points"] path[data-line]`;

/** Places of long runs in the library: behind the live ones. */
const LONG = 10;
const LIVE = 4;

/**
 * A long run, page loaded anew: as nobody has opened it before, in a browser that has not seen such a page either; five times again; other runs that nobody
 * has opened, in the browser that knows the page's code by now; then by a host that has just been started.
 */
async function openings(id: string, others: readonly string[]): Promise<void> {
  const { page, close } = await PlainBrowser.launch(browserPath());
  try {
    await page.open(host.url, found('nav'));
    const run = (of = id) => `${host.origin}/#/runs/${of}`;
    const name = `Run of ${flags['long-steps']} steps, page loaded anew`;
    const [first = Number.NaN] = await page.open(run(), found(drawn));
    note(`${name}, its events never read before`, `${first.toFixed(2)} s`, '< 1.5 s');
    await new Promise((resolve) => setTimeout(resolve, 4000)); // its series is written down meanwhile
    const opened = async (ids: readonly string[], pause: number) => {
      const times: number[] = [];
      for (const of of ids) {
        times.push(...(await page.open(run(of), found(drawn))));
        await new Promise((resolve) => setTimeout(resolve, pause)); // charts out of view are drawn meanwhile
      }
      const [low = 0, , median = 0, , high = 0] = times.sort((a, b) => a - b);
      return `${median.toFixed(2)} s (${low.toFixed(2)} to ${high.toFixed(2)})`;
    };
    note(`${name}, five times again`, await opened(Array<string>(5).fill(id), 1000), '< 1.5 s');
    note('Five others of that length, never read before', await opened(others.slice(0, 5), 4000), '< 1.5 s');
    await host.stop();
    host = await HostProcess.start(home);
    await page.open(host.url, found('nav'));
    await new Promise((resolve) => setTimeout(resolve, 1000)); // what a host does when it starts
    const [kept = Number.NaN] = await page.open(run(), found(drawn));
    note(`${name}, its series kept, first after a start of the host`, `${kept.toFixed(2)} s`, '< 1.5 s');
  } finally {
    await close();
  }
}

async function monitor(page: Page, url: string, id: string): Promise<void> {
  await page.goto(`${url}#/runs/${id}`);
  await page.waitForSelector(drawn);
  await page.waitForTimeout(1000);
  const thumb = page.locator('[role=slider][aria-labelledby=smoothing-label]');
  await thumb.focus();
  const slide = async () => {
    for (let i = 0; i < 60; i++) await page.keyboard.press(i % 40 < 20 ? 'ArrowRight' : 'ArrowLeft');
  };
  note('Smoothing slider', await framesDuring(page, slide), '>= 50 frames/s');
  const plot = page.locator('figure').first().locator('[role=slider]');
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  if (!box) throw new Error('the first chart has no plot');
  const y = box.y + box.height / 2;
  const hover = async () => {
    for (let i = 0; i <= 100; i++) await page.mouse.move(box.x + (box.width * i) / 100, y);
  };
  note('Hover', await framesDuring(page, hover), '>= 50 frames/s');
  const zoom = async () => {
    for (const [from, to] of [
      [0.2, 0.8],
      [0.3, 0.6],
      [0.1, 0.9],
    ] as const) {
      await page.mouse.move(box.x + box.width * from, y);
      await page.mouse.down();
      for (let i = 1; i <= 30; i++)
        await page.mouse.move(box.x + box.width * (from + ((to - from) * i) / 30), y);
      await page.mouse.up();
      await page.waitForTimeout(100);
    }
  };
  note('Zoom', await framesDuring(page, zoom), '>= 50 frames/s');
}

async function shoot(page: Page, folder: string, url: string, id: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [640, 900, 1280, 1920])
      for (const [name, place] of [
        ['runs', '#/runs'],
        ['run', `#/runs/${id}`],
      ] as const) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: 900 });
        await page.goto('about:blank');
        await page.goto(url + place);
        await page.waitForSelector(name === 'runs' ? 'td polyline' : 'figure path[data-line]');
        await page.waitForTimeout(500);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (over > 0) note(`${name} at ${width} px runs over by`, `${over} px`, '0 px');
        await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`) });
      }
}

const folder = mkdtempSync(join(tmpdir(), 'collie-page-'));
const home = makeHome(folder);
const size = { runs: Number(flags.runs), long: LONG, longSteps: Number(flags['long-steps']), live: LIVE };
const library = makeLibrary(home.collie, size);
let host = await HostProcess.start(home);
const browser = await chromium.launch({
  executablePath: browserPath(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(120_000);
  // What tsx puts into functions that go to the page.
  await page.addInitScript('globalThis.__name = (value) => value');
  page.on('pageerror', (error) => console.error(String(error)));
  await page.goto(host.url);
  await page.waitForSelector('nav');
  if (!flags.openings) await list(page, host.origin);
  if (flags.openings !== false) await openings(library.longId, library.ids.slice(LIVE + 1, LIVE + LONG));
  await page.goto(host.url); // the host has been started anew, at another address
  await page.waitForSelector('nav');
  if (!flags.openings) await monitor(page, host.origin, library.longId);
  if (flags.shots) await shoot(page, flags.shots, host.origin, library.longId);
  printFigures();
} finally {
  library.end();
  await browser.close();
  await host.stop();
  rmSync(folder, { recursive: true, force: true });
}
