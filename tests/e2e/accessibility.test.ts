/**
 * axe over every page: all rules in light at 1280, what colours and widths can change in dark at 1920; COLLIE_AXE=whole takes all rules in both
 * schemes at both widths. The page is the built one in its mock mode (`?mock`): every kind of run, model
 * and dataset is there, and no engine is needed. Also held: no page is wider than its window, down to 640.
 */
import { createReadStream, existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, openPage, skipReason } from './support/browser.ts';

const root = join(import.meta.dirname, '../..');
const bundle = join(root, 'tests/.artifacts/mock-renderer');
const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const runTabs = (id: string, tabs: readonly string[]) => tabs.map((tab) => `#/runs/${id}?tab=${tab}`);
const tabs = ['charts', 'samples', 'log', 'checkpoints', 'settings', 'environment'];
const places = [
  '#/',
  '#/models',
  '#/models/llama-3.2-1b-instruct',
  '#/models/mixtral-8x7b',
  '#/datasets',
  '#/datasets/larkspur-support',
  '#/datasets/larkspur-support/columns',
  '#/datasets/larkspur-support/tokens',
  '#/datasets/larkspur-support/row',
  '#/datasets/reviews/columns',
  '#/compose',
  '#/compose/json',
  '#/queue',
  '#/sweeps',
  '#/studies',
  '#/studies/study-memory',
  '#/sweeps/new',
  '#/sweeps/sweep-rates',
  '#/sweeps/sweep-rates/add',
  '#/runs',
  ...runTabs('run-live', tabs),
  ...runTabs('run-parallel', ['charts', 'ranks']),
  '#/runs/run-done?tab=checkpoints',
  '#/runs/run-adalora',
  '#/runs/run-failed',
  '#/compare',
  '#/playground?run=run-done',
  '#/devices',
  '#/settings',
  '#/nowhere',
];

/** What is opened on a page, by the name of its button. */
const dialogs = [
  { place: '#/models', button: 'Import model', dialog: 'Import model' },
  { place: '#/datasets', button: 'Import dataset', dialog: 'Import dataset' },
  { place: '#/runs/run-done', button: 'Export…', dialog: 'Export' },
  { place: '#/', button: /^Find/, dialog: undefined },
  { place: '#/', button: /^Jobs/, dialog: undefined },
];

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

function serve(): Promise<{ server: Server; origin: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = join(bundle, pathname === '/' ? 'index.html' : pathname);
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    ),
  );
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
  await page.waitForFunction(
    () => document.querySelector('[aria-busy="true"], .mantine-Skeleton-root') === null,
  );
  await page.evaluate(() => document.fonts.ready);
}

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What depends on colours and on the width of the window. */
const ofLook = ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable'];

/** One line a finding: rule, what is wrong, where. */
async function findings(page: Page, rules: 'all' | 'look'): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source);
  const runOnly: axe.RunOnly =
    rules === 'all' ? { type: 'tag', values: tags } : { type: 'rule', values: ofLook };
  const { violations } = await page.evaluate(
    (only) =>
      (window as unknown as { axe: typeof axe }).axe.run(document, {
        runOnly: only,
        resultTypes: ['violations'],
      }),
    runOnly,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  );
}

describe.skipIf(skipReason)('every page', () => {
  let browser: Browser;
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    await build({
      configFile: join(root, 'renderer/vite.config.ts'),
      mode: 'mock',
      logLevel: 'error',
      build: { outDir: bundle, emptyOutDir: true },
    });
    ({ server, origin } = await serve());
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(bundle, { recursive: true, force: true });
  });

  const whole = process.env.COLLIE_AXE === 'whole';
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [1280, 1920]) {
      const rules = whole || (scheme === 'light' && width === 1280) ? 'all' : 'look';
      if (!whole && (scheme === 'light') !== (width === 1280)) continue;
      it(`has nothing that axe finds, in ${scheme} at ${width}`, async () => {
        const height = width === 1280 ? 800 : 1080;
        const { page, faults } = await openPage(browser, `${origin}/?mock`, { width, height }, scheme);
        const found: Record<string, string[]> = {};
        for (const place of places) {
          await page.goto(`${origin}/?mock${place}`);
          await settled(page);
          const lines = await findings(page, rules);
          if (lines.length > 0) found[place] = lines;
        }
        for (const { place, button, dialog } of dialogs) {
          await page.goto(`${origin}/?mock${place}`);
          await settled(page);
          await page.getByRole('button', { name: button }).first().click();
          const opened = page.getByRole('dialog', dialog ? { name: dialog } : {});
          await opened.waitFor();
          if (dialog === 'Import dataset') {
            await opened.getByLabel('Path').fill('/home/kim/data/blank.jsonl');
            await opened.getByRole('button', { name: 'Preview' }).click();
            await opened.getByRole('region', { name: 'Preview' }).waitFor();
          }
          const lines = await findings(page, rules);
          if (lines.length > 0) found[`${place}, ${button}`] = lines;
          await page.keyboard.press('Escape');
        }
        await page.context().close();
        expect(found).toEqual({});
        expect(faults).toEqual([]);
      });
    }

  it('fits its window, from 640 on', async () => {
    const wide: string[] = [];
    for (const width of [640, 900, 1280]) {
      const { page } = await openPage(browser, `${origin}/?mock`, { width, height: 800 });
      for (const place of places) {
        await page.goto(`${origin}/?mock${place}`);
        await settled(page);
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (over > 0) wide.push(`${place} by ${over} at ${width}`);
      }
      await page.context().close();
    }
    expect(wide).toEqual([]);
  });
});
