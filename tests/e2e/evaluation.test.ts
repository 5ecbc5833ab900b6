/** Three evaluation sets by clicking: chosen in the form, their curves in the charts, their rows before and after in the table. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { skipReason } from './support/browser.ts';
import { sumRows } from './support/data.ts';
import {
  chartRows,
  choose,
  go,
  heading,
  importDatasetByBrowsing,
  pick,
  set,
  showAllSettings,
  startButton,
  waitForState,
} from './support/flows.ts';
import { shootPages } from './support/screens.ts';
import { openWorkbench } from './support/workbench.ts';

const parity = Array.from({ length: 30 }, (_, k) =>
  JSON.stringify({ question: `Is ${k} even?`, answer: k % 2 === 0 ? 'yes' : 'no' }),
);

describe.skipIf(skipReason)('evaluation sets', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 60 });
  let page: Page;
  let runId = '';

  beforeAll(async () => {
    ({ page } = bench);
    writeFileSync(join(bench.home.user, 'extra.jsonl'), sumRows(20, 500));
    writeFileSync(join(bench.home.user, 'parity.jsonl'), `${parity.join('\n')}\n`);
    for (const name of ['extra', 'parity']) {
      await importDatasetByBrowsing(page, [], `${name}.jsonl`);
      await heading(page, name).waitFor();
    }
  });

  const card = (name: string): Locator => page.getByRole('group', { name: `Evaluation set ${name}` });
  /** Adds a set of a dataset; it takes its name. */
  async function add(dataset: string, name = dataset): Promise<void> {
    await page.getByRole('button', { name: 'Add an evaluation set' }).click();
    const fresh = page.getByRole('group', { name: /^Evaluation set set-\d/ });
    await choose(fresh, page, /^Data$/, dataset);
    await card(name).waitFor();
  }

  it('are chosen in the form, with columns of their own where they need them', async () => {
    await go(page, 'New run');
    await showAllSettings(page);
    await pick(page, 'Training data', 'sums');
    await set(page, 'Name', 'Judged');
    await set(page, 'Learning rate', '0.01');
    await set(page, 'Sequence length', '128');
    await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
    await set(page, 'Duration', '4');
    await set(page, 'Evaluate every', '2');
    await add('extra');
    await add('parity');
    await card('parity').getByText('Classification', { exact: true }).click();
    expect(await card('parity').getByLabel('Columns as in the training data').isChecked()).toBe(false);
    await add('extra', 'extra-2');
    await card('extra-2').getByText('Generation', { exact: true }).click();
    await card('extra-2').getByLabel('Name', { exact: true }).fill('spoken');
    await card('spoken').getByLabel('number_match').check();
    await card('spoken').getByLabel('Answer length').fill('12');
    await set(page, 'Best by', 'spoken/number_match');
    await page
      .getByText('checkpoint.best_is')
      .or(page.getByText('Set checkpoint.best_is to highest.'))
      .first()
      .waitFor();
    await page.locator('[data-path="checkpoint.best_is"]').getByText('Highest', { exact: true }).click();
    await expect.poll(() => startButton(page).isEnabled()).toBe(true);
  });

  it('are evaluated before the first step, on schedule and at the end', async () => {
    await startButton(page).click();
    await heading(page, 'Judged').waitFor();
    runId = decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? '');
    bench.runs.push(runId);
    await waitForState(page, 'Completed', 400_000);
    for (const title of ['Macro F1', 'Number match', 'Bits per byte']) {
      const { rows } = await chartRows(page, title);
      expect(
        rows.map(({ x }) => x),
        title,
      ).toEqual([0, 2, 4]);
    }
    const { labels } = await chartRows(page, 'Loss');
    expect(labels).toEqual(expect.arrayContaining(['Evaluation', 'extra', 'parity']));
  });

  it('have a table of their rows before and after, searched and sorted, and each row over all steps', async () => {
    await page.getByRole('tab', { name: 'Examples' }).click();
    await choose(page, page, 'Evaluation set', 'parity');
    const table = page.getByRole('region', { name: 'Evaluated rows' }).getByRole('table');
    await table.getByRole('columnheader', { name: 'Before training' }).waitFor();
    await table.getByRole('columnheader', { name: 'Step 4' }).waitFor();
    await expect.poll(() => table.getByRole('row').count()).toBe(31);
    await page.getByLabel('Search').fill('is 17 even');
    await expect.poll(() => table.getByRole('row').count()).toBe(2);
    await table.getByRole('button', { name: 'Is 17 even?' }).click();
    const dialog = page.getByRole('dialog', { name: 'One row over the evaluations' });
    await dialog.getByRole('rowheader', { name: 'Step 2' }).waitFor();
    expect(await dialog.getByRole('row').count()).toBe(4);
    await page.keyboard.press('Escape');
    await page.getByLabel('Search').fill('');
    await choose(page, page, 'Evaluation set', 'spoken');
    await choose(page, page, 'Order', 'Most improved first');
    await expect.poll(() => table.getByRole('row').count()).toBe(21);
  });

  it('look right', async () => {
    await shootPages(bench.host, {
      'run-examples': `#/runs/${runId}?tab=examples`,
      'compose-sets': '#/compose',
    });
    expect(bench.faults).toEqual([]);
  });
});
