/** What can be done on the page of a comparison, by mouse and by keyboard. Each begins with its own address. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { choose, heading } from './flows.ts';
import type { SixRuns } from './six-runs.ts';

export async function openComparison(page: Page, ids: readonly string[], more = ''): Promise<void> {
  const { origin } = new URL(page.url());
  await page.goto(`${origin}/#/compare?runs=${ids.join(',')}${more}`);
  await heading(page, 'Comparison').waitFor();
  await groupsOf(page).getByRole('listitem').first().waitFor();
}

const groupsOf = (page: Page): Locator => page.getByRole('list', { name: 'Groups' });

/** Titles in their order; waits until they are these. */
async function orderIs(page: Page, titles: readonly string[]): Promise<void> {
  const texts = () => groupsOf(page).getByRole('listitem').allTextContents();
  await expect.poll(texts).toEqual(titles);
}

const runTitles = ({ rates }: SixRuns) => {
  const [low, high] = rates;
  return [1, 2].flatMap((seed) => [`Rate ${low}, seed ${seed}`, `Rate ${high}, seed ${seed}`]);
};

/** Four runs alone: dragged with the mouse, moved and taken out with the keyboard. */
export async function arrange(page: Page, six: SixRuns): Promise<void> {
  const { ids } = six;
  const four = [ids[0], ids[3], ids[1], ids[4]] as string[];
  await openComparison(page, four, '&groups=off');
  const [a, b, c, d] = runTitles(six) as [string, string, string, string];
  await orderIs(page, [a, b, c, d]);
  const item = (title: string) => groupsOf(page).getByRole('listitem').filter({ hasText: title });
  await item(d).dragTo(item(b));
  await orderIs(page, [a, d, b, c]);
  // In front of the baseline, which stays what it was.
  await item(c).dragTo(item(a));
  await orderIs(page, [c, a, d, b]);
  await groupsOf(page)
    .getByRole('button', { name: `Baseline: ${a}`, pressed: true })
    .waitFor();

  const dots = groupsOf(page).getByRole('button', { name: `Actions for ${b}` });
  await dots.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Make it the baseline' }).waitFor();
  await pressUntil(page, 'Move left');
  await page.keyboard.press('Enter');
  await orderIs(page, [c, a, b, d]);
  // The focus is where it was, for the next move.
  await expect.poll(() => dots.evaluate((button) => button === document.activeElement)).toBe(true);
  await page.keyboard.press('Enter');
  await pressUntil(page, 'Take out');
  await page.keyboard.press('Enter');
  await orderIs(page, [c, a, d]);
  expect(page.url()).not.toContain(ids[3]);

  await groupsOf(page)
    .getByRole('button', { name: `Actions for ${d}` })
    .click();
  await page.getByRole('menuitem', { name: 'Pin to the front' }).click();
  await groupsOf(page).getByRole('img', { name: 'pinned' }).waitFor();
  await orderIs(page, [d, c, a]);
}

async function pressUntil(page: Page, name: string): Promise<void> {
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  for (let k = 0; k < 12; k += 1) {
    if ((await focused()) === name) return;
    await page.keyboard.press('ArrowDown');
  }
  throw new Error(`The arrow keys never came to "${name}", but to "${await focused()}"`);
}

/** Parallel coordinates: a brush by mouse and by keyboard, a logarithmic axis, a flipped one; scatter with a Pareto front. */
export async function explore(page: Page, { ids }: SixRuns): Promise<void> {
  await openComparison(page, ids, '&tab=explore');
  const card = page.getByRole('region', { name: 'Parallel coordinates' });
  const picture = card.getByRole('img');
  await card.getByRole('img', { name: /^6 runs of 6/ }).waitFor();
  const axis = card.locator('[data-axis="optimizer.learning_rate"]');
  const box = await axis.boundingBox();
  if (!box) throw new Error('the axis of the learning rate has no place');
  const drag = async (from: number, to: number) => {
    await page.mouse.move(box.x + box.width / 2, box.y + box.height * from);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height * to, { steps: 4 });
    await page.mouse.up();
  };
  await drag(0.01, 0.4);
  await card.getByRole('img', { name: /^3 runs of 6/ }).waitFor();
  await card.getByText('3 of 6 runs kept').waitFor();
  expect(await picture.locator('path[stroke-opacity="0.75"]').count()).toBe(3);
  await card.getByRole('button', { name: 'Keep all' }).click();
  await card.getByRole('img', { name: /^6 runs of 6/ }).waitFor();

  const lines = () => picture.locator('path').evaluateAll((all) => all.map((one) => one.getAttribute('d')));
  const before = await lines();
  await card.getByRole('checkbox', { name: 'Learning rate: flipped' }).check();
  await expect.poll(lines).not.toEqual(before);
  await drag(0.01, 0.4); // the low rate is on top now, and the drag catches the end of the axis
  await card.getByRole('img', { name: /^3 runs of 6/ }).waitFor();
  await card.getByRole('checkbox', { name: 'Learning rate: logarithmic' }).check();
  await card.getByRole('img', { name: /^3 runs of 6/ }).waitFor();
  await card.getByRole('button', { name: 'Keep all' }).click();

  await card.getByRole('button', { name: 'Learning rate: keep a part' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('slider', { name: 'Learning rate: lower end' }).focus();
  await page.keyboard.press('ArrowRight');
  await card.getByRole('img', { name: /^3 runs of 6/ }).waitFor();
  await page.keyboard.press('Escape');
  await card.getByRole('button', { name: 'Keep all' }).click();
  await card.getByRole('img', { name: /^6 runs of 6/ }).waitFor();

  const scatter = page.getByRole('region', { name: 'Scatter' });
  await scatter
    .getByRole('figure', { name: /Loss \(evaluation\) against Training time, 6 points/ })
    .waitFor();
  await choose(scatter, page, 'Across', /Learning rate/);
  await scatter.getByRole('figure', { name: /against Learning rate, 6 points/ }).waitFor();
  expect(await scatter.getByRole('switch', { name: 'Pareto front' }).isDisabled()).toBe(true);
  await choose(scatter, page, 'Across', 'Peak memory');
  await scatter.getByText('Runs on the line are beaten by none in both.').waitFor();
  const importance = page.getByRole('region', { name: 'Importance of settings' });
  await importance.getByText('Only 6 runs: below 20, importance is a hint at most.').waitFor();
}

/** Every pair is voted on without names; the sign test judges. The side of the better one is drawn, so any vote will do. */
export async function voteBlind(page: Page, { ids }: SixRuns): Promise<void> {
  await openComparison(page, ids, '&tab=samples');
  await page.getByRole('region', { name: 'Prompt 1' }).waitFor();
  const step = page.getByRole('slider', { name: /^Step/ });
  await step.focus();
  await page.keyboard.press('Home');
  await page.getByRole('button', { name: 'Vote blind…' }).click();
  const ballot = page.getByRole('region', { name: 'Which answer is better?' });
  await ballot.waitFor();
  expect(await ballot.getByText(/Rate|baseline/).count()).toBe(0);
  const of = Number(/1 of (\d+) pair/.exec((await page.getByRole('tabpanel').textContent()) ?? '')?.[1]);
  expect(of).toBeGreaterThan(0);
  for (let k = 0; k < of; k += 1) await page.getByRole('button', { name: 'Left is better' }).click();
  await page.getByText(/exact sign test, p = [\d.]+/).waitFor();
  await page.getByText(/was better \d+ times, .* \d+ times, 0 times neither/).waitFor();
  await page.getByRole('button', { name: 'Back to the samples' }).click();
  await page.getByRole('region', { name: 'Prompt 1' }).waitFor();
}

/** One setting of one group on another; a run that goes on from a checkpoint; both in the Playground. */
export async function nextRuns(page: Page, { ids, rates }: SixRuns): Promise<void> {
  const [low, high] = rates;
  await openComparison(page, ids);
  const table = page.getByRole('region', { name: 'Settings and results' });
  await table
    .getByRole('button', { name: /^Try this Learning rate on another/ })
    .first()
    .waitFor();
  await table
    .getByRole('button', { name: `Try this Learning rate on another: Rate ${high} x3 seeds` })
    .click();
  await page.getByRole('menuitem', { name: `Rate ${low} x3 seeds` }).click();
  await heading(page, 'New run').waitFor();
  const rate = page.locator('[data-path="optimizer.learning_rate"] input').first();
  await expect.poll(async () => Number(await rate.inputValue())).toBe(high);
  await page.getByText('Settings copied, with Learning rate of the other run').waitFor();

  await openComparison(page, ids);
  const best = page.getByRole('toolbar', { name: 'The best so far' });
  await best.getByRole('button', { name: 'Continue' }).click();
  await heading(page, 'New run').waitFor();
  await page.getByText('Settings copied, with its adapter to start from').waitFor();
  await page
    .getByRole('radiogroup', { name: 'How many settings are shown' })
    .getByText('All', { exact: true })
    .click();
  const start = page.locator('[data-path="method.init_adapter"] input').first();
  await expect.poll(() => start.inputValue()).toMatch(/adapter/);

  await openComparison(page, ids);
  await page
    .getByRole('toolbar', { name: 'The best so far' })
    .getByRole('link', { name: 'Both in the Playground' })
    .click();
  await heading(page, 'Playground').waitFor();
  for (const name of [`Rate ${low}, seed 1`, `Rate ${high}, seed 1`])
    await page.getByRole('main').getByText(name).first().waitFor();
}

const formats = {
  'HTML page': { name: 'comparison.html', holds: ['<h1>Comparison</h1>', '<svg', 'Better: its loss is'] },
  Markdown: { name: 'comparison.md', holds: ['# Comparison', '## Results', '| --- |', '> Results are'] },
  CSV: { name: 'comparison.csv', holds: ['part,row,unit,what,', 'Loss (evaluation),nats,mean,', 'rule,'] },
  'LaTeX table': { name: 'comparison.tex', holds: ['\\begin{tabular}{l', '\\caption{Results', '$\\pm$'] },
} as const;

/** All four, as files that a browser saves. */
export async function exportAll(page: Page, { ids }: SixRuns): Promise<void> {
  await openComparison(page, ids);
  for (const [label, { name, holds }] of Object.entries(formats)) {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export as…' }).click();
    await page.getByRole('menuitem', { name: label }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(name);
    const text = readFileSync(await file.path(), 'utf8');
    for (const part of holds) expect(text, label).toContain(part);
    expect(text).toMatch(/Results are the last value of each run/);
  }
}

/** Tells what is missing of runs that are gone, half gone, or of an older version. */
export async function spoiledRuns(page: Page, { ids }: SixRuns, runsDir: string): Promise<void> {
  await openComparison(page, ids, '&groups=off');
  await page.getByRole('button', { name: 'Save…' }).click();
  await page.getByLabel('Name').fill('Before the clean-up');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await heading(page, 'Before the clean-up').waitFor();

  const [removed, torn, older] = [ids[0], ids[1], ids[2]] as [string, string, string];
  rmSync(join(runsDir, removed), { recursive: true });
  // Half gone: its settings are cut off, its events are not there.
  writeFileSync(join(runsDir, torn, 'spec.json'), '{"name": "Rate');
  rmSync(join(runsDir, torn, 'events'), { recursive: true });
  // An older version left no record of its rows, and no hashes of them.
  for (const left of ['evaluations', 'data/eval-rows.jsonl', 'data/eval.rows.u64', 'data/train.rows.u64'])
    rmSync(join(runsDir, older, left), { recursive: true, force: true });

  await page.reload();
  await heading(page, 'Before the clean-up').waitFor();
  await page.getByText(`1 run of this comparison is not there any more: ${removed}.`).waitFor();
  await page
    .getByRole('alert')
    .getByText(/seed 2:.*(spec|cannot be read)/i)
    .waitFor();
  const verdict = page.getByRole('region', { name: 'Verdict' });
  await verdict
    .getByText(/has no per-example record/)
    .first()
    .waitFor();
  for (const tab of ['Charts', 'Explore', 'Data', 'Samples', 'Examples', 'Logs and time', 'Overview']) {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByRole('tabpanel').waitFor();
    await page.waitForFunction(
      () => document.querySelector('[aria-busy="true"], .mantine-Skeleton-root') === null,
    );
  }
  await page.getByRole('main').getByRole('link', { name: 'Comparisons' }).click();
  await page.getByRole('link', { name: 'Before the clean-up' }).waitFor();
}
