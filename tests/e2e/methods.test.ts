import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { skipReason } from './support/browser.ts';
import { lossByStep, mean, set, startButton } from './support/flows.ts';
import { chooseVariant, composeRun, optionsOf, startAndFinish } from './support/variants.ts';
import { openWorkbench } from './support/workbench.ts';

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
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 60 });
  let page: Page;
  beforeAll(() => {
    ({ page } = bench);
  });

  const compose = (name: string) =>
    composeRun(page, { name, model: 'Tiny Llama', data: 'sums', seqLen: 128, steps: STEPS });

  /** The run ends well, with a lower loss than it began with. */
  async function train(name: string) {
    await startAndFinish(page, name);
    // The run's state and its events come on two ways: the chart may have the last steps a moment later.
    await expect.poll(async () => (await lossByStep(page)).size).toBe(STEPS);
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
    await set(page, 'Gradient accumulation', '4');
    const row = page.locator('[data-path="batch.grad_accum_steps"]');
    await row.locator('.mantine-InputWrapper-error').waitFor();
    expect(await startButton(page).isDisabled()).toBe(true);
  });
});
