/** Asking a model while it trains, by clicking: paused, asked with its base beside it, asked again while it goes on, made shorter, and after its end. */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { skipReason } from './support/browser.ts';
import { waitForState } from './support/flows.ts';
import { cliCommand, hostEnvironment, readStatus } from './support/host.ts';
import { openWorkbench } from './support/workbench.ts';

describe.skipIf(skipReason)('a model that trains', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 100, noDataset: true });

  let id: string;
  beforeAll(() => {
    const { folder, home } = bench;
    const spec = {
      name: 'Long run',
      model: 'library:tiny-llama',
      dataset: {
        train: join(home.user, 'sums.jsonl'),
        mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
      },
      method: { type: 'lora', rank: 4, alpha: 8 },
      optimizer: { type: 'adamw', learning_rate: 0.001 },
      batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: 128 },
      duration: { unit: 'steps', value: 100_000 },
      evaluation: { every_steps: 0 },
      checkpoint: { every_steps: 0 },
      precision: 'fp32',
    };
    const file = join(folder, 'spec.json');
    writeFileSync(file, JSON.stringify(spec));
    execFileSync(process.execPath, [...cliCommand(), 'run', file, '--detach'], {
      env: hostEnvironment(home),
      stdio: 'pipe',
    });
    [id = ''] = readdirSync(join(home.collie, 'runs')).filter((name) => !name.startsWith('.'));
    bench.runs.push(id);
  });

  const answers = (question: string) =>
    bench.page.getByRole('article', { name: `Question: ${question}` }).locator('[data-state="done"]');
  async function ask(question: string, count: number): Promise<void> {
    await bench.page.getByLabel('Prompt').fill(question);
    await bench.page.getByLabel('Prompt').press('Enter');
    await expect.poll(() => answers(question).count()).toBe(count);
  }

  it('is paused, and answers with its base beside it', async () => {
    const { page, host } = bench;
    await page.goto(`${host.origin}/#/runs/${id}?tab=ask`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await page.getByLabel('Answer length').fill('12');
    await page.getByRole('switch', { name: 'Base model beside it' }).click();
    await ask('What is 2 plus 3?', 2);
    await page.getByText(/The training has waited .* for these answers/).waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });

  it('goes on, and answers between two steps', async () => {
    const { page } = bench;
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('switch', { name: 'Base model beside it' }).click();
    await ask('And 4 plus 4?', 1);
    const log = page.getByRole('log', { name: 'Finished answers' });
    await log.getByText(/The model at step \d+ answered/).waitFor({ state: 'attached' });
  });

  it('keeps what was said over a reload, and says where to go on when it has ended', async () => {
    const { page } = bench;
    await page.reload();
    await page.getByRole('article', { name: 'Question: And 4 plus 4?' }).waitFor();
    // Paused, so that the step does not run away from the length that is typed.
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    const end = readStatus(bench.home, id).step + 20;
    await page.getByRole('button', { name: 'While it trains' }).click();
    await page.getByRole('menuitem', { name: /^Change learning rate or length/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Change while it trains' });
    await dialog.getByLabel('Length in steps').fill(String(end));
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Change' }).click();
    await page.getByText(new RegExp(`^Step [\\d,]+ of ${end.toLocaleString('en')}`)).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await waitForState(page, 'Completed');
    await page.getByRole('link', { name: 'Ask its last checkpoint in the Playground' }).waitFor();
    expect(bench.faults).toEqual([]);
  });
});
