/** Models and datasets in the browser: import by path and by browsing, look at rows, lengths and tokens; errors where they belong. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTinyModel } from '../support/tiny-model.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason } from './support/browser.ts';
import { sumRows } from './support/data.ts';
import { choose, go, heading, importDatasetByBrowsing, importModel } from './support/flows.ts';
import { HostProcess, makeHome } from './support/host.ts';

describe.skipIf(skipReason)('the library', () => {
  let folder: string;
  let host: HostProcess;
  let browser: Browser;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-e2e-library-'));
    const home = makeHome(folder);
    makeTinyModel(join(home.user, 'models/tiny-llama'));
    mkdirSync(join(home.user, 'data'));
    writeFileSync(join(home.user, 'data/sums.jsonl'), sumRows(120));
    writeFileSync(join(home.user, 'data/broken.jsonl'), '{"prompt": "a", "answer": "b"}\n{"prompt": \n');
    writeFileSync(join(home.user, 'data/letters.csv'), 'letter,meaning\na,first\nb,second\nc,third\n');
    host = await HostProcess.start(home);
    browser = await launchBrowser();
    ({ page, faults } = await openPage(browser, host.url));
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  shootOnFailure(() => page);

  it('is empty at first and says what to do', async () => {
    await go(page, 'Models');
    await page.getByText('No models yet').waitFor();
    await go(page, 'Datasets');
    await page.getByText('No datasets yet').waitFor();
  });

  it('refuses a folder that is no model, beside the field, and the dialog stays', async () => {
    await go(page, 'Models');
    await page.getByRole('button', { name: 'Import model' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Import model' });
    await dialog.getByLabel('Path').fill(join(folder, 'user/data'));
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await dialog.getByText('The import failed').waitFor();
    expect(await dialog.textContent()).toContain('config.json');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  it('does not let the page import from outside of its folders', async () => {
    await page.getByRole('button', { name: 'Import model' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Import model' });
    await dialog.getByLabel('Path').fill('/etc');
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await dialog.getByText('The import failed').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  it('imports a model folder by path and shows its card', async () => {
    await importModel(page, join(folder, 'user/models/tiny-llama'), 'Tiny Llama');
    const card = page.getByRole('dialog', { name: 'Tiny Llama' });
    const text = (await card.textContent()) ?? '';
    expect(text).toContain('llama');
    expect(text).toContain('LlamaForCausalLM');
    expect(text).toContain('BF16');
    expect(text).toContain('512 tokens');
    await card.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('link', { name: 'Tiny Llama' }).waitFor();
  });

  it('imports a dataset by browsing to it', async () => {
    await importDatasetByBrowsing(page, ['data'], 'sums.jsonl');
    await heading(page, 'sums').waitFor();
    await page.getByText('120 rows').first().waitFor();
  });

  it('shows the rows and finds one', async () => {
    await page.getByText('What is 0 plus 0?').first().waitFor();
    await page.getByLabel('Search the rows').fill('What is 9 plus 7?');
    await page.getByText('1 row of 120 match').waitFor();
    await page.getByText('It is 16.').waitFor();
  });

  it('counts tokens with the tokenizer of the model', async () => {
    await page.getByRole('tab', { name: 'Token lengths' }).click();
    const statistics = page.getByRole('region', { name: 'Statistics' });
    await statistics.waitFor();
    expect(await statistics.textContent()).toMatch(/Rows\s*120/);
    await page.getByText('Every row fits').waitFor();
  });

  it('shows one row as tokens, trained and masked', async () => {
    await page.getByRole('tab', { name: 'Row as tokens' }).click();
    const tokens = page.getByRole('region', { name: 'Tokens' });
    await tokens.waitFor();
    const trained = await tokens.locator('[title$="trained"]').allTextContents();
    const masked = await tokens.locator('[title$="masked"]').allTextContents();
    // The template's prompt is read, the answer and its end are trained.
    expect(trained.join('').replaceAll('·', ' ')).toBe('It is 0.<|im_end|>');
    expect(masked.join('').replaceAll('·', ' ')).toContain('What is 0 plus 0?');
  });

  it('asks for the columns when it cannot guess them, and saves what is chosen', async () => {
    await importDatasetByBrowsing(page, ['data'], 'letters.csv');
    await heading(page, 'letters').waitFor();
    await page.getByRole('tab', { name: 'Columns', selected: true }).waitFor();
    await choose(page, page, /^Prompt column/, /^letter/);
    await choose(page, page, /^Answer column/, /^meaning/);
    await page
      .getByRole('region', { name: 'The first row as a conversation' })
      .getByText('first', { exact: true })
      .waitFor();
    await page.getByRole('button', { name: 'Save columns' }).click();
    await page.getByText('Columns saved').first().waitFor();
  });

  it('names the line of a file that is not what it says', async () => {
    await importDatasetByBrowsing(page, ['data'], 'broken.jsonl', 'refused');
    const dialog = page.getByRole('dialog', { name: 'Import dataset' });
    await dialog.getByText('The file cannot be imported as it is').waitFor();
    expect(await dialog.textContent()).toMatch(/line 2/i);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  it('keeps the library over a restart of the host', async () => {
    await host.stop();
    host = await HostProcess.start({ user: join(folder, 'user'), collie: join(folder, 'collie') });
    await page.goto(host.url);
    await go(page, 'Models');
    await page.getByRole('link', { name: 'Tiny Llama' }).waitFor();
    await go(page, 'Datasets');
    await page.getByRole('link', { name: 'sums' }).waitFor();
  });

  it('has reported no fault of its own', () => {
    expect(faults).toEqual([]);
  });
});
