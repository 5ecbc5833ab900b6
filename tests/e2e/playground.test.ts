/** Several adapters over one base, by clicking: three models answer side by side, and another takes a turn without a second base. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { skipReason } from './support/browser.ts';
import { go, heading } from './support/flows.ts';
import { cliCommand, hostEnvironment } from './support/host.ts';
import { openWorkbench } from './support/workbench.ts';

const methods = {
  'LoRA run': { type: 'lora', rank: 4, alpha: 8 },
  'DoRA run': { type: 'dora', rank: 8, alpha: 16 },
  'IA3 run': { type: 'ia3' },
} as const;

describe.skipIf(skipReason)('several adapters over one base', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 100, noDataset: true });
  let page: Page;
  /** Results of playground.open, as the host sent them. */
  const opened: { sessionId: string; places: number[] }[] = [];

  /** Trained from the command line, to its end. */
  function train(name: string, method: object): void {
    const { folder, home } = bench;
    const spec = {
      name,
      model: 'library:tiny-llama',
      dataset: {
        train: join(home.user, 'sums.jsonl'),
        mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
      },
      method,
      optimizer: { type: 'adamw', learning_rate: 0.02 },
      batch: { micro_batch_size: 8, grad_accum_steps: 1, seq_len: 128 },
      duration: { unit: 'steps', value: 30 },
      precision: 'fp32',
    };
    const file = join(folder, 'spec.json');
    writeFileSync(file, JSON.stringify(spec));
    execFileSync(process.execPath, [...cliCommand(), 'run', file], {
      env: hostEnvironment(home),
      stdio: 'pipe',
    });
  }

  beforeAll(() => {
    ({ page } = bench);
    for (const [name, method] of Object.entries(methods)) train(name, method);
  });

  async function choose(name: string): Promise<void> {
    await page.getByLabel('Compare with').first().click();
    await page.getByRole('option', { name, exact: true }).click();
    await page.keyboard.press('Escape');
  }

  async function ask(question: string, names: string[]): Promise<string[]> {
    await page.getByLabel('Prompt').fill(question);
    await page.getByLabel('Prompt').press('Enter');
    const article = page.getByRole('article', { name: `Question: ${question}` });
    await expect.poll(() => article.getByText(/tokens?, .*tokens\/s/).count()).toBe(names.length);
    const log = page.getByRole('log', { name: 'Finished answers' });
    for (const name of names) await log.getByText(`${name} answered`).first().waitFor({ state: 'attached' });
    return article.locator('[data-state="done"]').allTextContents();
  }

  it('chooses two adapters, and three columns answer', async () => {
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        const { result } = JSON.parse(payload.toString());
        if (result?.places) opened.push(result);
      });
    });
    await page.reload();
    await go(page, 'Playground');
    await heading(page, 'Playground').waitFor();
    await choose('LoRA run');
    await choose('DoRA run');
    await page.getByLabel('Temperature').fill('0');
    await page.getByLabel('Answer length').fill('12');
    const answers = await ask('What is 4 plus 5?', ['Tiny Llama', 'LoRA run', 'DoRA run']);
    expect(answers).toHaveLength(3);
    expect(answers[1]).not.toBe(answers[0]);
    expect(answers[2]).not.toBe(answers[0]);
    expect(opened.map(({ places }) => places)).toEqual([[0, 1]]);
  });

  it('another takes the place of one, with the base and the conversation as they are', async () => {
    await page.getByLabel('Compare with').first().press('Backspace');
    await choose('IA3 run');
    const answers = await ask('What is 2 plus 3?', ['Tiny Llama', 'LoRA run', 'IA3 run']);
    expect(answers).toHaveLength(3);
    expect(await page.getByRole('article', { name: 'Question: What is 4 plus 5?' }).count()).toBe(1);
    expect(opened.map(({ places }) => places)).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(opened[1]?.sessionId).toBe(opened[0]?.sessionId);
  });

  it('the choice lives in the address: two loaded again are the same two', async () => {
    expect(new URL(page.url()).hash).toMatch(/run=.*lora-run.*ia3-run/);
    await page.reload();
    await page.getByText('IA3 run').first().waitFor();
    await page.getByText('LoRA run').first().waitFor();
    expect(bench.faults).toEqual([]);
  });
});
