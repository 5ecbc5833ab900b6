/**
 * The story of evaluation by clicking: a training with three sets (likelihood, classification, generation), the best checkpoint kept, and the rows
 * before and after.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { sumRows } from './data.ts';
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
} from './flows.ts';
import { shootPages } from './screens.ts';
import type { Workbench } from './workbench.ts';

export interface EvaluationWish {
  /** Of the classification set, with columns of its own. */
  classes: {
    name: string;
    rows: readonly object[];
    /** A column of it that has a row's own choices. */
    choices?: string;
    /** The chart of a metric that it gives. */
    chart: string;
    /** A question of it, and what finds no other row. */
    question: string;
    search: string;
  };
  /** Rows of the set for likelihood and generation. */
  rows: number;
  learningRate: number;
  seqLen: number;
  steps: number;
  every: number;
  /** Tokens of an answer. */
  answer: number;
  /** What is asked while it trains; left out where the training is over in a moment. */
  ask?: string;
  /** Whether the model is one that learns it: its loss falls, and more of its answers have the right number. */
  learns: boolean;
  waitMs: number;
}

/** Its tests, in their order. */
export function evaluationStory(bench: Workbench, wish: EvaluationWish): void {
  const { classes, steps, every } = wish;
  const inTime = { timeout: wish.waitMs + 100_000 };
  let page: Page;
  let runId = '';
  let best = 0;

  beforeAll(async () => {
    ({ page } = bench);
    const lines = classes.rows.map((row) => JSON.stringify(row));
    writeFileSync(join(bench.home.user, 'extra.jsonl'), sumRows(wish.rows, 500));
    writeFileSync(join(bench.home.user, `${classes.name}.jsonl`), `${lines.join('\n')}\n`);
    for (const name of ['extra', classes.name]) {
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
  const values = async (title: string, label: string) => {
    const { labels, rows } = await chartRows(page, title);
    const column = labels.indexOf(label) - 1;
    return rows.map((row) => ({ step: row.x, value: row.values[column] ?? null }));
  };

  it('sets are chosen in the form, with columns of their own where they need them', async () => {
    await go(page, 'New run');
    await showAllSettings(page);
    await pick(page, 'Training data', 'sums');
    await set(page, 'Name', 'Judged');
    await set(page, 'Learning rate', String(wish.learningRate));
    await set(page, 'Sequence length', String(wish.seqLen));
    await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
    await set(page, 'Duration', String(steps));
    await set(page, 'Evaluate every', String(every));
    await add('extra');
    await add(classes.name);
    const choice = card(classes.name);
    await choice.getByText('Classification', { exact: true }).click();
    expect(await choice.getByLabel('Columns as in the training data').isChecked()).toBe(false);
    if (classes.choices !== undefined) await choice.getByLabel('Choices column').fill(classes.choices);
    await add('extra', 'extra-2');
    await card('extra-2').getByText('Generation', { exact: true }).click();
    await card('extra-2').getByLabel('Name', { exact: true }).fill('spoken');
    await card('spoken').getByLabel('number_match').check();
    await card('spoken').getByLabel('Answer length').fill(String(wish.answer));
    await set(page, 'Best by', 'spoken/number_match');
    await page
      .getByText('checkpoint.best_is')
      .or(page.getByText('Set checkpoint.best_is to highest.'))
      .first()
      .waitFor();
    await page.locator('[data-path="checkpoint.best_is"]').getByText('Highest', { exact: true }).click();
    await expect.poll(() => startButton(page).isEnabled()).toBe(true);
  });

  it('starts', async () => {
    await startButton(page).click();
    await heading(page, 'Judged').waitFor();
    runId = decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? '');
    bench.runs.push(runId);
  });

  const { ask } = wish;
  if (ask !== undefined)
    it('the model is asked while it trains', inTime, async () => {
      await page.getByRole('tab', { name: 'Ask' }).click();
      await page.getByLabel('Answer length').fill(String(wish.answer));
      await page.getByLabel('Prompt').fill(ask);
      // It waits until the training has started.
      await page.getByRole('button', { name: 'Send', exact: true }).click({ timeout: wish.waitMs });
      const article = page.getByRole('article', { name: `Question: ${ask}` });
      const answer = article.locator('[data-state="done"]');
      await answer.or(article.locator('[data-state="failed"]')).waitFor({ timeout: wish.waitMs });
      expect(await answer.count(), (await article.textContent()) ?? '').toBe(1);
      expect((await answer.textContent())?.trim()).not.toBe('');
      await page.getByText(/The training has waited .* for these answers/).waitFor();
      await page.getByRole('tab', { name: 'Charts' }).click();
    });

  it('sets are evaluated before the first step, on schedule and at the end', inTime, async () => {
    await waitForState(page, 'Completed', wish.waitMs);
    const expected = Array.from({ length: steps / every + 1 }, (_, k) => k * every);
    for (const title of [classes.chart, 'Number match', 'Bits per byte']) {
      // The run's last state may be told before its last curves.
      const steps = async () => (await chartRows(page, title)).rows.map(({ x }) => x);
      await expect.poll(steps, { message: title }).toEqual(expected);
    }
    const { labels } = await chartRows(page, 'Loss');
    expect(labels).toEqual(expect.arrayContaining(['Evaluation', 'extra', classes.name]));
    const right = (await chartRows(page, 'Number match')).rows.map(({ x, values: [value] }) => ({
      step: x,
      value: value ?? 0,
    }));
    best = right.slice(1).reduce((top, one) => (one.value > top.value ? one : top)).step;
    if (!wish.learns) return;
    const losses = (await values('Loss', 'extra')).filter(({ value }) => value !== null);
    expect(losses.at(-1)?.value).toBeLessThan((losses[0]?.value ?? 0) * 0.8);
    expect(right.find(({ step }) => step === best)?.value).toBeGreaterThan(right[0]?.value ?? 1);
  });

  it('the checkpoint of the best evaluation is kept, and says so', async () => {
    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    const table = page.getByRole('table', { name: 'Checkpoints' });
    await table.getByRole('columnheader', { name: 'Number match' }).waitFor();
    const row = table.getByRole('row').filter({ has: page.getByText('best', { exact: true }) });
    expect(await row.count()).toBe(1);
    expect(await row.getByRole('cell').first().textContent()).toMatch(new RegExp(`^${best}(newest)?best$`));
    await row.getByRole('button', { name: `Export… step ${best}` }).click();
    const dialog = page.getByRole('dialog', { name: /^Export/ });
    await expect
      .poll(() =>
        dialog
          .getByRole('combobox', { name: 'Checkpoint' })
          .or(dialog.getByLabel('Checkpoint'))
          .first()
          .inputValue(),
      )
      .toMatch(new RegExp(`^Step ${best} \\((newest, )?best\\)$`));
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  it('rows before and after stand side by side, searched and sorted, and each over all steps', async () => {
    await page.getByRole('tab', { name: 'Examples' }).click();
    await choose(page, page, 'Evaluation set', classes.name);
    const table = page.getByRole('region', { name: 'Evaluated rows' }).getByRole('table');
    await table.getByRole('columnheader', { name: 'Before training' }).waitFor();
    await table.getByRole('columnheader', { name: `Step ${steps}` }).waitFor();
    await expect.poll(() => table.getByRole('row').count()).toBe(classes.rows.length + 1);
    await page.getByLabel('Search').fill(classes.search);
    await expect.poll(() => table.getByRole('row').count()).toBe(2);
    await table.getByRole('button', { name: classes.question }).click();
    const dialog = page.getByRole('dialog', { name: 'One row over the evaluations' });
    await dialog.getByRole('rowheader', { name: `Step ${every}`, exact: true }).waitFor();
    expect(await dialog.getByRole('row').count()).toBe(steps / every + 2);
    await page.keyboard.press('Escape');
    await page.getByLabel('Search').fill('');
    await choose(page, page, 'Evaluation set', 'spoken');
    await choose(page, page, 'Order', 'Most improved first');
    await expect.poll(() => table.getByRole('row').count()).toBe(wish.rows + 1);
  });

  it('the pages look right', async () => {
    await shootPages(bench.host, {
      'run-examples': `#/runs/${runId}?tab=examples`,
      'run-checkpoints': `#/runs/${runId}?tab=checkpoints`,
      'compose-sets': '#/compose',
    });
    expect(bench.faults).toEqual([]);
  });
}
