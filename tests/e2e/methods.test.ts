/** Every method and every optimizer by clicking: chosen in the form with its own settings only, started, and the loss falls. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTinyModel } from '../support/tiny-model.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason } from './support/browser.ts';
import { sumRows } from './support/data.ts';
import {
  heading,
  importDatasetByBrowsing,
  importModel,
  lossByStep,
  mean,
  set,
  startButton,
} from './support/flows.ts';
import { type Home, HostProcess, makeHome } from './support/host.ts';
import { chooseVariant, composeRun, optionsOf, startAndFinish } from './support/variants.ts';

const STEPS = 30;
const adamw = { value: 'adamw', title: 'AdamW' };
const full = { value: 'full', title: 'Full fine-tuning' };

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

  const compose = (name: string) =>
    composeRun(page, { name, model: 'Tiny Llama', data: 'sums', seqLen: 128, steps: STEPS });

  /** The run ends well, with a lower loss than it began with. */
  async function train(name: string) {
    await startAndFinish(page, name);
    // The run's state and its events come on two ways: the chart may have the last steps a moment later.
    await expect.poll(async () => (await lossByStep(page)).size, { timeout: 15_000 }).toBe(STEPS);
    const losses = [...(await lossByStep(page)).values()];
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)));
  }

  it.each(optionsOf('method.type'))('trains with $title', async (method) => {
    const name = `Method ${method.value}`;
    await compose(name);
    await chooseVariant(page, 'method.type', method);
    await chooseVariant(page, 'optimizer.type', adamw);
    if (method.value === 'freeze') await set(page, 'Trained layers', '1');
    await set(page, 'Learning rate', rates[method.value] ?? '0.01');
    await train(name);
  });

  it.each(optionsOf('optimizer.type'))('trains with $title', async (optimizer) => {
    const name = `Optimizer ${optimizer.value}`;
    await compose(name);
    await chooseVariant(page, 'method.type', full);
    await chooseVariant(page, 'optimizer.type', optimizer);
    await set(page, 'Learning rate', optimizerRates[optimizer.value] ?? '0.01');
    await train(name);
  });

  it('refuses accumulation with LOMO beside its field, and says what to do', async () => {
    await compose('Refused');
    await chooseVariant(page, 'optimizer.type', { value: 'lomo', title: 'LOMO' });
    await set(page, 'Accumulation', '4');
    const row = page.locator('[data-path="batch.grad_accum_steps"]');
    await row.locator('.mantine-InputWrapper-error').waitFor();
    expect(await startButton(page).isDisabled()).toBe(true);
  });
});
