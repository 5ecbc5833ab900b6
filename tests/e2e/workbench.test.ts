/**
 * The main job by clicking: compose, start, watch the loss fall, stop, resume, lose browser and host in the middle, find the run
 * whole, export, chat. One story; each step needs the one before.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensorsHeader } from '../support/safetensors.ts';
import { skipReason } from './support/browser.ts';
import {
  go,
  heading,
  lossByStep,
  mean,
  pick,
  set,
  setting,
  showAllSettings,
  startButton,
  stopRun,
  waitForState,
  waitForStep,
} from './support/flows.ts';
import { HostProcess, readStatus } from './support/host.ts';
import { shootEveryPage } from './support/screens.ts';
import { collie } from './support/six-runs.ts';
import { openWorkbench } from './support/workbench.ts';

const TOTAL_STEPS = 2400;

describe.skipIf(skipReason)('from a model and rows to an adapter', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 100 });
  let page: Page;
  let runId = '';
  let stoppedAt = 0;
  const runFolder = () => join(bench.home.collie, 'runs', runId);

  beforeAll(() => {
    ({ page } = bench);
  });

  it('says what is still to choose, and cannot start before', async () => {
    await go(page, 'New run');
    await heading(page, 'New run').waitFor();
    await page.getByRole('button', { name: 'Choose the training data' }).waitFor();
    // The only model is chosen already.
    await expect.poll(() => setting(page, 'Model').inputValue()).toBe('Tiny Llama');
    await showAllSettings(page);
    expect(await startButton(page).isDisabled()).toBe(true);
  });

  it('takes model and data of the library, with the columns that it found', async () => {
    await pick(page, 'Model', 'Tiny Llama');
    await pick(page, 'Training data', 'sums');
    await page.getByText('100 rows').first().waitFor();
    await expect.poll(() => setting(page, 'Prompt column').inputValue()).toBe('prompt');
    expect(await setting(page, 'Answer column').inputValue()).toBe('answer');
  });

  it('shows a bad value beside its field, and takes it back when mended', async () => {
    await set(page, 'Learning rate', '7');
    const row = page.locator('[data-path="optimizer.learning_rate"]');
    await row.locator('.mantine-InputWrapper-error').waitFor();
    expect(await row.textContent()).toMatch(/at most 1|<= ?1|1 or less/i);
    expect(await startButton(page).isDisabled()).toBe(true);
    await set(page, 'Learning rate', '0.01');
    await row.locator('.mantine-InputWrapper-error').waitFor({ state: 'hidden' });
  });

  it('knows what the model can take, and leads to the field that stands in the way', async () => {
    const reason = page.getByRole('button', { name: /sequence length .* 512 .* 256/i });
    await reason.click();
    await expect
      .poll(() => setting(page, 'Sequence length').evaluate((field) => field === document.activeElement))
      .toBe(true);
    expect(await startButton(page).isDisabled()).toBe(true);
    await set(page, 'Sequence length', '128');
    await expect.poll(() => startButton(page).isEnabled()).toBe(true);
  });

  it('takes over a preset, and keeps model and data', async () => {
    await page
      .getByRole('region', { name: 'Presets' })
      .getByRole('button', { name: /^Quickstart/ })
      .click();
    await expect.poll(() => setting(page, 'Learning rate').inputValue()).toBe('0.001');
    expect(await setting(page, 'Model').inputValue()).toBe('Tiny Llama');
    expect(await setting(page, 'Training data').inputValue()).toBe('sums');
    expect(await setting(page, 'Batch size').inputValue()).toBe('8');
  });

  it('forecasts steps and memory from the settings', async () => {
    await set(page, 'Name', 'Sums');
    await set(page, 'Learning rate', '0.01');
    await set(page, 'Sequence length', '128');
    await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
    await set(page, 'Duration', String(TOTAL_STEPS));
    // Two threads that wait for each other beside other work on two cores take thirty times as long as one.
    await page
      .getByRole('region', { name: 'Device and precision' })
      .getByRole('button', { name: /^Advanced/ })
      .click();
    await set(page, 'CPU threads', '1');
    await set(page, 'Evaluate every', '200');
    await set(page, 'Checkpoint every', '150');
    const preview = page.getByRole('complementary', { name: 'Summary' });
    await preview.getByText(TOTAL_STEPS.toLocaleString('en')).first().waitFor();
    await preview.getByText('Fits').waitFor();
  });

  it('starts the run and goes to it', async () => {
    await startButton(page).click();
    await heading(page, 'Sums').waitFor();
    runId = decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? '');
    bench.runs.push(runId);
    expect(runId).not.toBe('');
    await waitForState(page, 'Running');
    await waitForStep(page, 20);
    await page.getByRole('figure', { name: /^Loss\. Training: last [\d.]+/ }).waitFor();
  });

  it('stops, with everything saved', async () => {
    await stopRun(page);
    stoppedAt = readStatus(bench.home, runId).step;
    expect(stoppedAt).toBeGreaterThanOrEqual(20);
    expect(stoppedAt).toBeLessThan(TOTAL_STEPS);
    const checkpoint = join(runFolder(), 'checkpoints', `step-${String(stoppedAt).padStart(8, '0')}`);
    expect(existsSync(join(checkpoint, 'DONE'))).toBe(true);
  });

  it('resumes where it was', async () => {
    await page.getByRole('button', { name: 'Resume' }).click();
    await waitForState(page, 'Running');
    await waitForStep(page, stoppedAt + 10);
    // Held, so that it is not over before the host is gone.
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    const losses = await lossByStep(page);
    expect(losses.has(stoppedAt) && losses.has(stoppedAt + 1)).toBe(true);
  });

  it('goes on while browser and host are gone', async () => {
    await bench.browser.close();
    await bench.host.kill();
    const atDeath = readStatus(bench.home, runId);
    expect(atDeath.state).toBe('running');
    await collie(bench.home, ['resume', runId]);
    await expect.poll(() => readStatus(bench.home, runId).step).toBeGreaterThan(atDeath.step + 20);
  });

  it('is found again with whole charts', async () => {
    bench.host = await HostProcess.start(bench.home);
    await bench.openBrowser(`#/runs/${runId}`);
    ({ page } = bench);
    await heading(page, 'Sums').waitFor();
    await waitForStep(page, stoppedAt + 30);
    const losses = await lossByStep(page);
    expect(Math.min(...losses.keys())).toBe(1);
    expect(losses.size).toBe(Math.max(...losses.keys()));
  });

  it('reaches its end, and the loss has fallen', async () => {
    await waitForState(page, 'Completed', 400_000);
    await expect.poll(async () => (await lossByStep(page)).size).toBe(TOTAL_STEPS);
    const losses = [...(await lossByStep(page)).values()];
    const [first, last] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
    expect(last).toBeLessThan(0.5 * first);
    // What a reader of the chart is told, without seeing it.
    const told = (await page.getByRole('figure', { name: /^Loss\./ }).getAttribute('aria-label')) ?? '';
    expect(told).toContain(`${TOTAL_STEPS} points`);
    expect(told).toContain('Evaluation: last');
  });

  it('shows what the model answered on the way', async () => {
    await page.getByRole('tab', { name: 'Samples' }).click();
    await page.getByText('What is the capital of Spain?').first().waitFor();
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('region', { name: 'Log' }).waitFor();
    await page.getByRole('tab', { name: 'Charts' }).click();
  });

  it('exports an adapter that lies on disk', async () => {
    await page.getByRole('button', { name: 'Export…' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Export' });
    await dialog.getByRole('radio', { name: /Adapter \(PEFT\)/ }).click();
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByText('Adapter (PEFT) written').waitFor();
    const shown = (await dialog.locator('code').first().textContent()) ?? '';
    expect(shown.startsWith(runFolder())).toBe(true);
    const config = JSON.parse(readFileSync(join(shown, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({ peft_type: 'LORA', r: 16, lora_alpha: 32 });
    const tensors = readSafetensorsHeader(join(shown, 'adapter_model.safetensors'));
    expect(tensors['base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight']?.shape).toEqual([
      16, 64,
    ]);
    expect(Object.keys(tensors)).toHaveLength(2 * 7 * 2);
    expect(existsSync(join(shown, 'tokenizer.json'))).toBe(true);
    await dialog.getByRole('button', { name: 'Done' }).click();
  });

  it('chats with both models, word by word', async () => {
    const pieces = { base: 0, tuned: 0 };
    const sides = new Map<number, 'base' | 'tuned'>();
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => {
        const message = JSON.parse(payload.toString());
        if (message.subscribe === 'playground.generate')
          sides.set(message.id, message.params.tuned === null ? 'base' : 'tuned');
      });
      socket.on('framereceived', ({ payload }) => {
        const message = JSON.parse(payload.toString());
        const side = sides.get(message.id);
        if (side && message.event && !message.event.done) pieces[side]++;
      });
    });
    await page.goto(`${bench.host.url}#/playground?run=${runId}`);
    await page.reload();
    await heading(page, 'Playground').waitFor();
    await page.getByLabel('Temperature').fill('0');
    await page.getByLabel('Answer length').fill('16');
    await page.getByLabel('Prompt').fill('What is 4 plus 5?');
    await page.getByLabel('Prompt').press('Enter');
    const log = page.getByRole('log', { name: 'Finished answers' });
    await log.getByText('Tiny Llama answered').waitFor({ state: 'attached' });
    await log.getByText('Sums answered').waitFor({ state: 'attached' });
    const question = page.getByRole('article', { name: 'Question: What is 4 plus 5?' });
    expect(await question.getByText(/tokens?, .*tokens\/s/).count()).toBe(2);
    expect(pieces.base).toBeGreaterThan(2);
    expect(pieces.tuned).toBeGreaterThan(2);
    const [base, tuned] = await log.locator('p').allTextContents();
    expect(tuned).toMatch(/answered: It is \d+\.$/);
    expect(base).not.toMatch(/It is \d+/);
  });

  it('looks whole in light and dark, at 1280 and 1920', async () => {
    await shootEveryPage(bench.host, runId);
  });

  it('has reported no fault of its own', async () => {
    await page.close();
    expect(bench.faults).toEqual([]);
  });
});
