/** Chromium through playwright-core, and a page that remembers every fault that it reports. */
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterEach } from 'vitest';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** $CHROMIUM, or the first one on the PATH; null where there is none. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : null;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return (
    folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path)) ??
    null
  );
}

const executable = findChromium();

/** Why browser tests cannot run here, or null. Prints it, as a skipped test that says nothing is forgotten. */
export const skipReason = executable
  ? null
  : 'No Chromium: install it (Debian: apt-get install chromium) or name one in CHROMIUM.';
if (skipReason) console.warn(`Browser tests are skipped. ${skipReason}`);

export function launchBrowser(): Promise<Browser> {
  if (executable === null) throw new Error(skipReason ?? '');
  return chromium.launch({
    executablePath: executable,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

export interface WatchedPage {
  page: Page;
  /** Errors of the console and uncaught ones; a lost connection of a killed host is expected and left out. */
  faults: string[];
}

const expected = /WebSocket connection to|ERR_CONNECTION_REFUSED/;

export async function openPage(
  browser: Browser,
  url: string,
  viewport = { width: 1280, height: 800 },
  colorScheme: 'light' | 'dark' = 'light',
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  // Generous: on two busy cores a page that takes a second alone takes a minute.
  page.setDefaultTimeout(120_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) faults.push(message.text());
  });
  await page.goto(url);
  return { page, faults };
}

const artifacts = join(import.meta.dirname, '../../.artifacts/e2e');

/** Keeps a picture of the page whenever a test fails: tests/.artifacts/e2e/failed-<test>.png. */
export function shootOnFailure(page: () => Page | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    mkdirSync(artifacts, { recursive: true });
    const name = task.name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60);
    await page()?.screenshot({ path: join(artifacts, `failed-${name}.png`) });
  });
}
