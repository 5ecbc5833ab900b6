/** Evaluate… by clicking: a checkpoint, a set with a judge, what is wrong told at its field, the judge allowed, progress, metrics and rows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Conduct, JudgeServer, says } from '../support/judge-server.ts';
import { axeFindings } from './support/axe.ts';
import { skipReason } from './support/browser.ts';
import { sumRows } from './support/data.ts';
import { choose, heading, importDatasetByBrowsing, set, waitForState } from './support/flows.ts';
import { shootOpen } from './support/screens.ts';
import { composeRun, startAndFinish } from './support/variants.ts';
import { openWorkbench } from './support/workbench.ts';

const ROWS = 5;
const INSTRUCTIONS = Array.from({ length: 3 }, (_, key) => ({
  key,
  prompt: `Say ${key} without a comma.`,
  instruction_id_list: ['punctuation:no_comma'],
  kwargs: [{}],
}));

describe.skipIf(skipReason)('the dialog Evaluate…', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 40 });
  let judge: JudgeServer;
  let runId = '';
  /** Answers that the judge holds back until the page was looked at. */
  const held: (() => void)[] = [];
  let holding = true;
  const verdict = says('It is short. <score>7</score>');
  const holds: Conduct = (response, asked) => {
    if (holding) held.push(() => verdict(response, asked));
    else verdict(response, asked);
  };
  const letGo = () => {
    holding = false;
    for (const go of held.splice(0)) go();
  };

  beforeAll(async () => {
    judge = await JudgeServer.start(holds);
    const { page, home } = bench;
    writeFileSync(join(home.user, 'extra.jsonl'), sumRows(ROWS, 500));
    writeFileSync(
      join(home.user, 'ifeval.jsonl'),
      INSTRUCTIONS.map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
    for (const name of ['extra', 'ifeval']) {
      await importDatasetByBrowsing(page, [], `${name}.jsonl`);
      await heading(page, name).waitFor();
    }
  });
  afterAll(() => judge.stop());

  const dialog = (): Locator => bench.page.getByRole('dialog', { name: 'Evaluate Source' });
  const card = (name: string | RegExp): Locator => dialog().getByRole('group', { name });
  const evaluate = () => dialog().getByRole('button', { name: 'Evaluate', exact: true }).click();
  const refused = () => dialog().getByText('The evaluation did not begin').waitFor();
  const heldOut = () => dialog().getByLabel('Held-out rows of the run');

  it('there is a run with two checkpoints', async () => {
    const { page } = bench;
    await composeRun(page, { name: 'Source', model: 'Tiny Llama', data: 'sums', seqLen: 128, steps: 4 });
    await set(page, 'Checkpoint every', '2');
    await startAndFinish(page, 'Source');
    runId = decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? '');
    bench.runs.push(runId);
  });

  it('begins with the newest checkpoint; another one is chosen', async () => {
    const { page } = bench;
    await page.getByRole('button', { name: 'Evaluate…' }).first().click();
    await dialog().waitFor();
    await choose(dialog(), page, 'Checkpoint', /^Step 2/);
    await dialog().getByRole('button', { name: 'Add an evaluation set' }).click();
  });

  it('a set without data is told at its field', async () => {
    await evaluate();
    await refused();
    await card(/set-1/)
      .getByText(/^Data of entry 1 of Evaluation sets/)
      .waitFor();
    expect(await axeFindings(bench.page)).toEqual([]);
  });

  it('a benchmark whose columns the data does not have is told with what it needs', async () => {
    const { page } = bench;
    await choose(card(/set-1/), page, /^Data$/, 'extra');
    await choose(card('Evaluation set extra'), page, 'Benchmark format', 'IFEval');
    await shootOpen(page, 'evaluate-ifeval');
    await evaluate();
    await card('Evaluation set extra')
      .getByText(/instruction_id_list/)
      .first()
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });

  it('an address of a judge that is none, and a key that is not set, are told at their fields', async () => {
    const { page } = bench;
    await dialog().getByRole('button', { name: 'Remove evaluation set extra' }).click();
    await dialog().getByRole('button', { name: 'Add an evaluation set' }).click();
    await choose(card(/set-1/), page, /^Data$/, 'extra');
    const extra = card('Evaluation set extra');
    await extra.getByText('Generation', { exact: true }).click();
    await extra.getByRole('radiogroup', { name: 'Judge' }).getByText('A model by its address').click();
    await extra.getByLabel("Judge's address").fill('127.0.0.1:8080');
    await extra.getByLabel("Judge's model").fill('wise');
    await extra.getByLabel('Variable of the key').fill('COLLIE_E2E_NO_KEY');
    await evaluate();
    await extra.getByText(/The address of the judge is no address/).waitFor();
    await extra.getByLabel("Judge's address").fill(judge.url);
    await evaluate();
    await extra.getByText(/COLLIE_E2E_NO_KEY, which holds the key of the judge .* is not set here/).waitFor();
    await extra.getByLabel('Variable of the key').fill('');
    await shootOpen(page, 'evaluate-judge');
    expect(await axeFindings(page)).toEqual([]);
  });

  it('asks before a row goes to the judge; without a yes nothing is sent and nothing begins', async () => {
    const { page } = bench;
    const extra = card('Evaluation set extra');
    await extra.getByLabel('Answer length').fill('8');
    if (await heldOut().count()) await heldOut().uncheck();
    await evaluate();
    const question = page.getByRole('dialog', { name: 'Send rows to this judge?' });
    await question.getByText(judge.origin, { exact: true }).waitFor();
    await question.getByText('Evaluation set extra').waitFor();
    await shootOpen(page, 'judge-question');
    expect(await axeFindings(page)).toEqual([]);
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'hidden' });
    await dialog()
      .getByText(/which you have not allowed/)
      .waitFor();
    expect(judge.asked).toEqual([]);
    await evaluate();
    await question.getByRole('button', { name: 'Allow and start' }).click();
  });

  it('is a run of its own, whose progress says that it waits for the judge', async () => {
    const { page } = bench;
    await heading(page, /^Evaluation of Source, step 2$/).waitFor();
    bench.runs.push(decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? ''));
    await expect.poll(() => held.length).toBe(4);
    held.shift()?.();
    await page.getByText(`Waiting for the judge (1 of ${ROWS})`).first().waitFor();
    letGo();
    await waitForState(page, 'Completed');
  });

  it('its metrics stand in the table, and each row has its score and the reason', async () => {
    const { page } = bench;
    await page.getByRole('tab', { name: 'Results' }).click();
    const results = page.getByRole('table', { name: 'Results' });
    const shown = (title: string) =>
      results
        .getByRole('row')
        .filter({ has: page.getByRole('cell', { name: title, exact: true }) })
        .getByRole('cell')
        .last();
    expect(await shown('Judge').textContent()).toBe('7');
    expect(await shown('Answers judged').textContent()).toBe(String(ROWS));
    expect(await shown('Answers not judged').textContent()).toBe('0');
    await shootOpen(page, 'evaluate-results');
    await page.getByRole('tab', { name: 'Examples' }).click();
    const table = page.getByRole('region', { name: 'Evaluated rows' }).getByRole('table');
    await expect.poll(() => table.getByRole('row').count()).toBe(ROWS + 1);
    await table.getByRole('row').nth(1).getByRole('button').first().click();
    const row = page.getByRole('dialog', { name: 'One row over the evaluations' });
    await row.getByText('Judge: 7 of 10. It is short.').waitFor();
    await shootOpen(page, 'judged-row');
    expect(await axeFindings(page)).toEqual([]);
    expect(bench.faults).toEqual([]);
  });
});
