/** What a user does on the pages, by the names they see. */
import { readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import type { HostProcess } from './host.ts';

export const go = (page: Page, place: string) =>
  page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: place }).click();

export const heading = (page: Page, name: string | RegExp): Locator =>
  page.getByRole('heading', { level: 1, name });

/** The whole form; a fresh browser shows the simple one. */
export const showAllSettings = (page: Page) =>
  page
    .getByRole('radiogroup', { name: 'How many settings are shown' })
    .getByText('All', { exact: true })
    .click();

/** Imports by typing the path. Resolves when the card of the model is shown. */
export async function importModel(page: Page, path: string, name: string): Promise<void> {
  await go(page, 'Models');
  await page.getByRole('button', { name: 'Import model' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Import model' });
  await dialog.getByLabel('Path').fill(path);
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('dialog', { name }).getByText('Trainable').waitFor();
}

/** Imports by walking through the folders of the path picker, which starts at the user's home. */
export async function importDatasetByBrowsing(
  page: Page,
  folders: string[],
  file: string,
  outcome: 'imported' | 'refused' = 'imported',
): Promise<void> {
  await go(page, 'Datasets');
  await page.getByRole('button', { name: 'Import dataset' }).first().click();
  await page.getByRole('button', { name: 'Browse…' }).click();
  const browser = page.getByRole('dialog', { name: 'Choose a path' });
  for (const folder of folders) await browser.getByRole('button', { name: folder }).click();
  await browser.getByRole('button', { name: file }).click();
  await browser.getByRole('button', { name: 'Choose', exact: true }).click();
  await browser.waitFor({ state: 'hidden' });
  const dialog = page.getByRole('dialog', { name: 'Import dataset' });
  await dialog.getByRole('button', { name: 'Preview' }).click();
  if (outcome === 'refused') return;
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
}

/** Chooses an entry of a select by its label. */
export async function choose(
  scope: Page | Locator,
  page: Page,
  label: string | RegExp,
  option: string | RegExp,
): Promise<void> {
  await scope
    .getByRole('combobox', { name: label })
    .or(scope.getByRole('textbox', { name: label }))
    .first()
    .click();
  await page.getByRole('option', { name: option }).first().click();
}

export interface ChartRow {
  x: number;
  values: (number | null)[];
}

/** Every point of a chart, through its own "save as CSV". */
export async function chartRows(page: Page, title: string): Promise<{ labels: string[]; rows: ChartRow[] }> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: `${title}: save as CSV`, exact: true }).click();
  const file = await (await download).path();
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split('\r\n');
  const rows = lines.map((line) => {
    const [x, ...values] = line.split(',');
    return { x: Number(x), values: values.map((value) => (value === '' ? null : Number(value))) };
  });
  return { labels: head.split(','), rows };
}

/** The training losses of the run on screen by step; fails when a step is missing or there twice. */
export async function lossByStep(page: Page): Promise<Map<number, number>> {
  const { labels, rows } = await chartRows(page, 'Loss');
  const column = labels.indexOf('Training') - 1;
  const losses = new Map<number, number>();
  for (const { x, values } of rows) {
    const loss = values[column];
    if (loss === null || loss === undefined) continue;
    if (losses.has(x)) throw new Error(`step ${x} is in the chart twice`);
    losses.set(x, loss);
  }
  const steps = [...losses.keys()];
  for (let i = 1; i < steps.length; i++)
    if (steps[i] !== (steps[i - 1] as number) + 1)
      throw new Error(`the chart jumps from ${steps[i - 1]} to ${steps[i]}`);
  return losses;
}

export const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Waits until the heading of the run says this state. */
export const waitForState = (page: Page, state: string, timeout = 300_000) =>
  page.getByText(state, { exact: true }).first().waitFor({ timeout });

/** Waits until the progress of the run on screen has reached this step. */
export async function waitForStep(page: Page, step: number, timeout = 300_000): Promise<number> {
  const read = () =>
    page.evaluate(() => {
      const match = /Step ([\d,]+)/.exec(document.querySelector('main')?.textContent ?? '');
      return match ? Number(match[1]?.replaceAll(',', '')) : -1;
    });
  await page.waitForFunction(
    (wanted) => {
      const match = /Step ([\d,]+)/.exec(document.querySelector('main')?.textContent ?? '');
      return match !== null && Number(match[1]?.replaceAll(',', '')) >= wanted;
    },
    step,
    { timeout },
  );
  return read();
}

/** Opens the workbench of this host at a place behind `#`. */
export const openAt = (page: Page, host: HostProcess, hash: string) => page.goto(`${host.url}${hash}`);

/** A control of the run form by the title of its setting. The label may end in a mark for required ones. */
export const setting = (page: Page, title: string): Locator =>
  page
    .locator('[data-path]')
    .getByLabel(new RegExp(`^${title}( \\*)?$`))
    .first();

/** Types a value into a setting and leaves the field. */
export async function set(page: Page, title: string, value: string): Promise<void> {
  await setting(page, title).fill(value);
  await setting(page, title).blur();
}

/** Chooses an entry for a setting that is a list to drop down. */
export async function pick(page: Page, title: string, option: string): Promise<void> {
  await setting(page, title).click();
  await page.getByRole('option', { name: option }).click();
}

export const startButton = (page: Page) => page.getByRole('button', { name: 'Start run' });

/** Presses "Stop…" and confirms; resolves when the run has saved and ended. */
export async function stopRun(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Stop…' }).click();
  await page
    .getByRole('dialog', { name: 'Stop this run?' })
    .getByRole('button', { name: 'Save and stop' })
    .click();
  await waitForState(page, 'Stopped');
}
