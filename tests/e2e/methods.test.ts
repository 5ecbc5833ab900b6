/** Every method and every optimizer by clicking: chosen in the form with its own settings only, started, and the loss falls. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specFields } from '../../electron/shared/spec-fields.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason } from './support/browser.ts';
import { sumRows } from './support/data.ts';
import {
  go,
  heading,
  importDatasetByBrowsing,
  importModel,
  lossByStep,
  mean,
  pick,
  set,
  startButton,
  waitForState,
} from './support/flows.ts';
import { type Home, HostProcess, makeHome } from './support/host.ts';

const STEPS = 30;

/** Learning rates for a model of random weights that learns within few steps. */
const rates: Record<string, string> = {
  prompt_tuning: '0.1',
  prefix_tuning: '0.1',
  ia3: '0.1',
  bitfit: '0.1',
};
const optimizerRates: Record<string, string> = {
  lion: '0.002',
  sophia: '0.002',
  sgd: '0.1',
  lomo: '0.2',
  adalomo: '0.02',
};

const optionsOf = (path: string) => specFields().find((field) => field.path === path)?.options ?? [];
const settingsOf = (path: string, value: string) =>
  specFields().filter(({ when }) => when?.path === path && when.equals === value);

describe.skipIf(skipReason)('methods and optimizers in the form', () => {
  let folder: string;
  let home: Home;
  let host: HostProcess;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-e2e-'));
    home = makeHome(folder);
    makeTinyModel(join(home.user, 'tiny-llama'));
    writeFileSync(join(home.user, 'sums.jsonl'), sumRows(60));
    host = await HostProcess.start(home);
    browser = await launchBrowser();
    ({ page } = await openPage(browser, host.url));
    await importModel(page, join(home.user, 'tiny-llama'), 'Tiny Llama');
    await page.getByRole('dialog', { name: 'Tiny Llama' }).getByRole('button', { name: 'Close' }).click();
    await importDatasetByBrowsing(page, [], 'sums.jsonl');
    await heading(page, 'sums').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  shootOnFailure(() => page);

  const option = (path: string, title: string) =>
    page.locator(`[data-path="${path}"]`).getByRole('radio', { name: new RegExp(`^${title}(?![\\w-])`) });

  /** Chooses a variant; the settings on screen are its own, and those of no other. */
  async function chooseVariant(path: string, value: string, title: string) {
    await option(path, title).first().check({ force: true });
    const group = path.slice(0, path.lastIndexOf('.'));
    const own = settingsOf(path, value).filter(({ meta }) => !meta.advanced);
    for (const { path: at } of own) await page.locator(`[data-path="${at}"]`).waitFor();
    const allowed = [path, ...settingsOf(path, value).map(({ path: at }) => at)];
    const foreign = async () => {
      const shown = await page
        .locator(`[data-path^="${group}."]`)
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-path')));
      return shown.filter((at) => at !== null && !allowed.includes(at));
    };
    // Fields that the previous variant has too are on screen before the form has drawn the new one.
    await expect.poll(foreign, { timeout: 10_000 }).toEqual([]);
  }

  async function compose(name: string) {
    await go(page, 'Compose');
    await heading(page, 'Compose a run').waitFor();
    await pick(page, 'Model', 'Tiny Llama');
    await pick(page, 'Training data', 'sums');
    await set(page, 'Name', name);
    await set(page, 'Sequence length', '128');
    await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
    await set(page, 'How long', String(STEPS));
    await set(page, 'Accumulation', '1');
  }

  /** Starts what the form holds; the run ends well, with a lower loss than it began with. */
  async function train(name: string) {
    await expect.poll(() => startButton(page).isEnabled(), { timeout: 15_000 }).toBe(true);
    await startButton(page).click();
    await heading(page, name).waitFor();
    await waitForState(page, 'Completed');
    const losses = [...(await lossByStep(page)).values()];
    expect(losses).toHaveLength(STEPS);
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)));
  }

  it.each(optionsOf('method.type').map(({ value, title }) => [title, value]))(
    'trains with %s',
    async (title, value) => {
      const name = `Method ${value}`;
      await compose(name);
      await chooseVariant('method.type', value, title);
      await chooseVariant('optimizer.type', 'adamw', 'AdamW');
      if (value === 'freeze') await set(page, 'Trained layers', '1');
      await set(page, 'Learning rate', rates[value] ?? '0.01');
      await train(name);
    },
  );

  it.each(optionsOf('optimizer.type').map(({ value, title }) => [title, value]))(
    'trains with %s',
    async (title, value) => {
      const name = `Optimizer ${value}`;
      await compose(name);
      await chooseVariant('method.type', 'full', 'Full fine-tuning');
      await chooseVariant('optimizer.type', value, title);
      await set(page, 'Learning rate', optimizerRates[value] ?? '0.01');
      await train(name);
    },
  );

  it('refuses accumulation with LOMO beside its field, and says what to do', async () => {
    await compose('Refused');
    await chooseVariant('optimizer.type', 'lomo', 'LOMO');
    await set(page, 'Accumulation', '4');
    const row = page.locator('[data-path="batch.grad_accum_steps"]');
    await row.locator('.mantine-InputWrapper-error').waitFor();
    expect(await startButton(page).isDisabled()).toBe(true);
  });
});
