/** Pictures of every page in light and dark at two sizes, for people to look at: tests/.artifacts/e2e/screens. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchBrowser, openPage } from './browser.ts';
import type { HostProcess } from './host.ts';

const folder = join(import.meta.dirname, '../../.artifacts/e2e/screens');

const places = (runId: string): Record<string, string> => ({
  home: '#/',
  models: '#/models',
  model: '#/models/tiny-llama',
  datasets: '#/datasets',
  'dataset-rows': '#/datasets/sums',
  'dataset-columns': '#/datasets/sums/columns',
  'dataset-lengths': '#/datasets/sums/tokens',
  'dataset-row': '#/datasets/sums/row',
  compose: '#/compose',
  'compose-json': '#/compose/json',
  queue: '#/queue',
  runs: '#/runs',
  run: `#/runs/${runId}`,
  'run-log': `#/runs/${runId}?tab=log`,
  'run-checkpoints': `#/runs/${runId}?tab=checkpoints`,
  'run-settings': `#/runs/${runId}?tab=settings`,
  playground: `#/playground?run=${runId}`,
  devices: '#/devices',
});

export const shootEveryPage = (host: HostProcess, runId: string) => shootPages(host, places(runId));

const sizes = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
];

/** What is on screen now, such as a dialog with what was filled in, in light and dark at both sizes; afterwards as it was. */
export async function shootOpen(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const before = page.viewportSize() ?? { width: 1280, height: 800 };
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const size of sizes) {
      await page.setViewportSize(size);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${size.width}.png`) });
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wider, `${name} is wider than ${size.width}`).toBeLessThanOrEqual(0);
    }
  }
  await page.setViewportSize(before);
}

/** Pages by name and place behind `#`. Also fails where a page is wider than its window or shows its own fault panel. */
export async function shootPages(host: HostProcess, pages: Record<string, string>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const browser = await launchBrowser();
  try {
    for (const scheme of ['light', 'dark'] as const)
      for (const size of sizes) {
        const { page, faults } = await openPage(browser, host.url, size, scheme);
        for (const [name, hash] of Object.entries(pages)) {
          await page.goto(`${host.origin}/${hash}`);
          await page.getByRole('heading', { level: 1 }).first().waitFor();
          await page.waitForFunction(
            () => document.querySelector('[aria-busy="true"], .mantine-Skeleton-root') === null,
          );
          await page.evaluate(() => document.fonts.ready);
          await page.screenshot({ path: join(folder, `${name}-${scheme}-${size.width}.png`) });
          const wider = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          expect(wider, `${name} is wider than ${size.width}`).toBeLessThanOrEqual(0);
          expect(await page.getByText('This page could not be shown').count(), name).toBe(0);
        }
        expect(faults).toEqual([]);
        await page.context().close();
      }
  } finally {
    await browser.close();
  }
}
