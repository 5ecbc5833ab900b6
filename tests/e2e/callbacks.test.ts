/** A callback by clicking: named in the form, its code read and approved, its metric drawn beside the run's own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { skipReason } from './support/browser.ts';
import { chartRows, showAllSettings, startButton, waitForState } from './support/flows.ts';
import { composeRun } from './support/variants.ts';
import { openWorkbench } from './support/workbench.ts';

const CODE = `import { setTimeout as wait } from 'node:timers/promises';
export default {
  async onStep({ step, metrics }, run) {
    run.log({ double: 2 * metrics.loss });
    console.log('told of step ' + step);
    await wait(5);
  },
  onEnd({ state }) {
    console.log('the run has ' + state);
    throw new Error('on purpose');
  },
};
`;

describe.skipIf(skipReason)('a callback', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 60 });

  it('is named in the form, which says that it is to be approved', async () => {
    const { page } = bench;
    const path = join(bench.home.user, 'double.ts');
    writeFileSync(path, CODE);
    await composeRun(page, { name: 'Told', model: 'Tiny Llama', data: 'sums', seqLen: 128, steps: 30 });
    await showAllSettings(page);
    await page.getByRole('button', { name: 'Add a callback' }).click();
    await page.getByLabel('Callback 1, path').fill(path);
    await page.getByText(/^Not approved yet/).waitFor();
    // What is forecast fades in as it comes.
    await expect.poll(() => axeFindings(page)).toEqual([]);
  });

  it('shows its code before it runs; what is not approved does not start', async () => {
    const { page } = bench;
    const dialog = page.getByRole('dialog', { name: 'Run this code beside the training?' });
    await startButton(page).click();
    await dialog.getByText("console.log('told of step ' + step);").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await startButton(page).click();
    await dialog.getByRole('button', { name: 'Approve and run' }).click();
    await waitForState(page, 'Completed');
    bench.runs.push(/runs\/([^?]+)/.exec(page.url())?.[1] ?? '');
  });

  it('has its metric among the charts, its log and its state on the page of the run', async () => {
    const { page } = bench;
    // Charts are drawn once they are in view.
    await page.getByRole('heading', { name: 'Other', exact: true }).scrollIntoViewIfNeeded();
    await page.getByRole('button', { name: 'double/double: save as CSV' }).waitFor();
    await expect.poll(async () => (await chartRows(page, 'double/double')).rows.at(-1)?.x).toBe(30);
    await page.getByText('A callback has ended').waitFor();
    await page.getByRole('tab', { name: 'Callbacks' }).click();
    await page.getByText('Ended with an error').waitFor();
    await page.getByText('the run has completed').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    expect(bench.faults).toEqual([]);
  });
});
