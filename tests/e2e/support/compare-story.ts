/** The story of a comparison by clicking, the same for the tiny model and the starter model. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { go, heading } from './flows.ts';
import type { SixRuns } from './six-runs.ts';

/** The first rate's group is the baseline; the second is expected to be better. */
export async function compareStory(page: Page, { rates }: SixRuns): Promise<void> {
  await go(page, 'Runs');
  await page.getByRole('checkbox', { name: 'Select all runs shown' }).click();
  await page.getByRole('toolbar', { name: 'Selected runs' }).getByRole('link', { name: 'Compare' }).click();
  await heading(page, 'Comparison').waitFor();

  const groups = page.getByRole('list', { name: 'Groups' });
  await groups.getByRole('listitem').nth(1).waitFor();
  expect(await groups.getByRole('listitem').count()).toBe(2);
  await groups.getByRole('button', { name: `Baseline: Rate ${rates[0]} x3 seeds` }).click();

  const verdict = page.getByRole('region', { name: 'Verdict' });
  await verdict.getByText('Better', { exact: true }).waitFor();
  expect(await verdict.textContent()).toMatch(
    /its loss is [\d.]+ nats lower on \d+ rows and 3 matched seeds/,
  );
  await verdict.getByRole('button', { name: 'How it was tested' }).click();
  await verdict
    .getByText(/paired permutation test/)
    .first()
    .waitFor();

  const table = page.getByRole('region', { name: 'Settings and results' });
  await table.getByRole('rowheader', { name: 'Learning rate', exact: true }).waitFor();
  await table.getByRole('rowheader', { name: 'Loss (evaluation)' }).waitFor();
  await page.locator('[data-chart="eval/loss"] path[data-band]').first().waitFor({ state: 'attached' });

  await page.getByRole('button', { name: 'Save…' }).click();
  await page.getByLabel('Name').fill('Two rates');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await heading(page, 'Two rates').waitFor();
  expect(new URL(page.url()).hash).toMatch(/^#\/compare\/c[0-9a-f]+$/);
  await page.reload();
  await heading(page, 'Two rates').waitFor();
  await page.getByRole('region', { name: 'Verdict' }).getByText('Better', { exact: true }).waitFor();

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export as…' }).click();
  await page.getByRole('menuitem', { name: 'HTML page' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('two-rates.html');
  const html = readFileSync(await file.path(), 'utf8');
  expect(html).toContain('<h1>Two rates</h1>');
  expect(html).toContain('Better: its loss is');
  expect(html).not.toMatch(/<script|https?:\/\//);

  const best = page.getByRole('toolbar', { name: 'The best so far' });
  expect(await best.textContent()).toContain(`Rate ${rates[1]}`);
  await best.getByRole('button', { name: 'New run like this' }).click();
  await heading(page, 'New run').waitFor();
  const rate = page.locator('[data-path="optimizer.learning_rate"] input').first();
  await rate.waitFor();
  expect(Number(await rate.inputValue())).toBe(rates[1]);
}
