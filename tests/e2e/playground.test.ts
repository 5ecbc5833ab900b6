/** Several adapters over one base, by clicking: three models answer side by side, and another takes a turn without a second base. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTinyModel } from '../support/tiny-model.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason } from './support/browser.ts';
import { sumRows } from './support/data.ts';
import { go, heading, importModel } from './support/flows.ts';
import { cliCommand, type Home, HostProcess, hostEnvironment, makeHome } from './support/host.ts';

const methods = {
  'LoRA run': { type: 'lora', rank: 4, alpha: 8 },
  'DoRA run': { type: 'dora', rank: 8, alpha: 16 },
  'IA3 run': { type: 'ia3' },
} as const;

describe.skipIf(skipReason)('several adapters over one base', () => {
  let folder: string;
  let home: Home;
  let host: HostProcess;
  let browser: Browser;
  let page: Page;
  let faults: string[];
  /** Results of playground.open, as the host sent them. */
  const opened: { sessionId: string; places: number[] }[] = [];

  /** Trained from the command line, to its end. */
  function train(name: string, method: object): void {
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

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'collie-e2e-playground-'));
    home = makeHome(folder);
    makeTinyModel(join(home.user, 'tiny-llama'));
    writeFileSync(join(home.user, 'sums.jsonl'), sumRows(100));
    host = await HostProcess.start(home);
    browser = await launchBrowser();
    ({ page, faults } = await openPage(browser, host.url));
    await importModel(page, join(home.user, 'tiny-llama'), 'Tiny Llama');
    await page.getByRole('dialog', { name: 'Tiny Llama' }).getByRole('button', { name: 'Close' }).click();
    for (const [name, method] of Object.entries(methods)) train(name, method);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  shootOnFailure(() => page);

  async function choose(name: string): Promise<void> {
    await page.getByLabel('Compare with').first().click();
    await page.getByRole('option', { name, exact: true }).click();
    await page.keyboard.press('Escape');
  }

  async function ask(question: string, names: string[]): Promise<string[]> {
    await page.getByLabel('Prompt').fill(question);
    await page.getByLabel('Prompt').press('Enter');
    const article = page.getByRole('article', { name: `Question: ${question}` });
    await expect
      .poll(() => article.getByText(/tokens?, .*tokens\/s/).count(), { timeout: 60_000 })
      .toBe(names.length);
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
    expect(faults).toEqual([]);
  });
});
