/** Methods and optimizers in the run form: every variant there is, chosen as a user does, and the run that the form starts. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { specFields } from '../../../electron/shared/spec/spec-fields.ts';
import { go, heading, pick, set, showAllSettings, startButton, waitForState } from './flows.ts';

export interface Variant {
  value: string;
  title: string;
}

export const optionsOf = (path: string): Variant[] =>
  (specFields().find((field) => field.path === path)?.options ?? []).map(({ value, title }) => ({
    value,
    title,
  }));

const settingsOf = (path: string, value: string) =>
  specFields().filter(({ when }) => when?.path === path && when.equals === value);

/** Chooses a variant; the settings on screen are its own, and those of no other. */
export async function chooseVariant(page: Page, path: string, { value, title }: Variant): Promise<void> {
  await page
    .locator(`[data-path="${path}"]`)
    .getByRole('radio', { name: new RegExp(`^${title}(?![\\w-])`) })
    .first()
    .check({ force: true });
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
  await expect.poll(foreign).toEqual([]);
}

export interface Composed {
  name: string;
  model: string;
  data: string;
  seqLen: number;
  steps: number;
}

/** Opens the form and fills in what every run needs besides method and optimizer. */
export async function composeRun(page: Page, { name, model, data, seqLen, steps }: Composed): Promise<void> {
  await go(page, 'New run');
  await heading(page, 'New run').waitFor();
  await showAllSettings(page);
  await pick(page, 'Model', model);
  await pick(page, 'Training data', data);
  await set(page, 'Name', name);
  await set(page, 'Sequence length', String(seqLen));
  await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
  await set(page, 'Duration', String(steps));
  await set(page, 'Gradient accumulation', '1');
}

/** Starts what the form holds and stays on its page until it has ended well. */
export async function startAndFinish(page: Page, name: string, timeout?: number): Promise<void> {
  await expect.poll(() => startButton(page).isEnabled()).toBe(true);
  await startButton(page).click();
  await heading(page, name).waitFor();
  await waitForState(page, 'Completed', timeout);
}
