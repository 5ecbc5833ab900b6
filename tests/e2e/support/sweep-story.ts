/**
 * The story of a sweep by clicking: 2 learning rates x 3 seeds, queued, reordered, continued over a killed host and a killed rank, opened in Compare; then
 * halving that pauses a run and brings it back bit for bit.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { readStatus } from '../../../electron/server/runs/folder.ts';
import { checkpointName } from '../../../electron/shared/runs/run-folder.ts';
import { axeFindings } from './axe.ts';
import { choose, go, heading, pick, set, showAllSettings } from './flows.ts';
import { HostProcess, killAtCheckpoint } from './host.ts';
import { shootPages } from './screens.ts';
import { collie } from './six-runs.ts';
import type { Workbench } from './workbench.ts';

export interface SweepWish {
  /** In the library of the workbench. */
  modelId: string;
  /** The higher one is better. */
  rates: readonly [number, number];
  seqLen: number;
  steps: number;
  checkpointEvery: number;
  evaluateEvery: number;
  /** So long all runs may take. */
  waitMs: number;
}

/** Its tests, in their order. */
export function sweepStory(bench: Workbench, wish: SweepWish): void {
  const [low, high] = wish.rates;
  const inTime = { timeout: wish.waitMs + 200_000 };
  let page: Page;
  let id = '';
  let runs: string[] = [];
  const record = () =>
    JSON.parse(readFileSync(join(bench.home.collie, 'sweeps', id, 'sweep.json'), 'utf8')) as {
      runs: { id: string; values: Record<string, number>; seed: number }[];
    };
  const statusOf = (run: string) => readStatus(join(bench.home.collie, 'runs', run));
  const waiting = () => page.getByRole('list', { name: /waiting/ }).getByRole('listitem');
  const order = async () => (await waiting().getByRole('link').allTextContents()).map((name) => name.trim());

  beforeAll(() => {
    ({ page } = bench);
  });

  const type = async (label: string, values: readonly string[]) => {
    const input = page.getByRole('combobox', { name: label, exact: true });
    for (const value of values) {
      await input.fill(value);
      await input.press('Enter');
    }
  };

  it('is made of the settings of New run, and shows its points first', async () => {
    await go(page, 'Queue');
    await page.getByText('Nothing is waiting').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('The queue is paused').waitFor();
    await go(page, 'New run');
    await showAllSettings(page);
    await pick(page, 'Training data', 'sums');
    await set(page, 'Sequence length', String(wish.seqLen));
    await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
    await set(page, 'Duration', String(wish.steps));
    await set(page, 'Checkpoint every', String(wish.checkpointEvery));
    await page.getByRole('link', { name: 'Sweep some of these settings…' }).click();
    await heading(page, 'New sweep').waitFor();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Rates');
    await choose(page, page, 'Add a setting', /^Learning rate/);
    const group = page.getByRole('group', { name: 'Learning rate' });
    await group.waitFor();
    for (const tag of await group.locator('.mantine-Pill-remove').all()) await tag.click();
    await type('Values of Learning rate', wish.rates.map(String));
    await type('Seeds', ['1', '2', '3']);
    await page.getByRole('button', { name: 'Queue all 6 runs' }).waitFor();
    expect(await page.getByRole('region', { name: 'All points' }).getByRole('row').count()).toBe(3);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Queue all 6 runs' }).click();
    await heading(page, 'Rates').waitFor();
    id = page.url().split('/').at(-1) ?? '';
    runs = record().runs.map((run) => run.id);
    bench.runs.push(...runs);
    expect(record().runs.map(({ values, seed }) => [values['optimizer.learning_rate'], seed])).toEqual([
      ...[1, 2, 3].map((seed) => [low, seed]),
      ...[1, 2, 3].map((seed) => [high, seed]),
    ]);
  });

  it('waits in the queue, where its runs change places', async () => {
    await go(page, 'Queue');
    await expect.poll(async () => (await order()).length).toBe(6);
    const last = (await order()).at(-1);
    await page
      .getByRole('button', { name: new RegExp(`^Move Rates: learning_rate ${high}, seed 3`) })
      .focus();
    await page.keyboard.press('Home');
    await expect.poll(async () => (await order())[0]).toBe(last);
  });

  it('goes on when the host is killed, and when a rank is', inTime, async () => {
    await page.getByRole('button', { name: 'Continue' }).click();
    const first = runs[5] ?? '';
    await killAtCheckpoint(bench.home, first);
    await bench.host.kill();
    bench.host = await HostProcess.start(bench.home);
    await page.goto(`${bench.host.url}#/sweeps/${id}`);
    await page.getByText('6 of 6 complete').waitFor({ timeout: wish.waitMs });
    expect(statusOf(first).attempt).toBe(2);
    expect(runs.slice(0, 5).map((run) => statusOf(run).attempt)).toEqual([1, 1, 1, 1, 1]);
  });

  it('says which point is best, is one row in Runs, and opens in Compare with a verdict', async () => {
    const written = high < 0.001 ? high.toExponential() : String(high); // as the page does
    await page
      .getByRole('toolbar', { name: 'The best point' })
      .getByText(`learning rate ${written}`)
      .waitFor();
    await page.getByRole('region', { name: 'Parallel coordinates' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await shootPages(bench.host, {
      sweeps: '#/sweeps',
      sweep: `#/sweeps/${id}`,
      'sweep-add': `#/sweeps/${id}/add`,
      'runs-sweep': '#/runs',
    });
    await go(page, 'Runs');
    await page.getByRole('button', { name: 'Runs of Rates' }).click();
    await page.getByRole('row', { name: new RegExp(`Rates: learning_rate ${low}, seed 2`) }).waitFor();
    await go(page, 'Sweeps');
    await page.getByRole('link', { name: 'Rates', exact: true }).click();
    await page.getByRole('link', { name: 'Compare', exact: true }).last().click();
    await heading(page, 'Comparison').waitFor();
    await page
      .getByText(/is better|better than/)
      .first()
      .waitFor();
  });

  it('takes more seeds, and only those are run', inTime, async () => {
    await page.goto(`${bench.host.url}#/sweeps/${id}/add`);
    await page.getByText('6 runs there already').waitFor();
    await type('Seeds', ['4']);
    await page.getByRole('button', { name: 'Queue all 2 runs' }).click();
    await page.getByText('8 of 8 complete').waitFor({ timeout: wish.waitMs });
    bench.runs.push(
      ...record()
        .runs.slice(6)
        .map((run) => run.id),
    );
    expect(
      record()
        .runs.slice(6)
        .map(({ seed }) => seed),
    ).toEqual([4, 4]);
    expect(bench.faults).toEqual([]);
  });

  it('pauses at a rung, and brings the best run back bit for bit', inTime, async () => {
    const sweep = {
      name: 'Halved',
      spec: {
        model: `library:${wish.modelId}`,
        dataset: {
          train: 'library:sums',
          mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
        },
        method: { type: 'lora', dropout: 0.1 },
        optimizer: { type: 'adamw' },
        batch: { seq_len: wish.seqLen },
        duration: { unit: 'steps', value: wish.steps },
        evaluation: { every_steps: wish.evaluateEvery },
      },
      settings: { 'optimizer.learning_rate': { values: [low / 10, low, high] } },
      halving: { rungs: [1], eta: 3 },
    };
    const file = join(bench.home.user, 'halved.json');
    writeFileSync(file, JSON.stringify(sweep));
    const { ids } = JSON.parse(await collie(bench.home, ['--json', 'sweep', file])) as { ids: string[] };
    bench.runs.push(...ids);
    const best = ids[2] ?? '';
    await expect.poll(() => statusOf(best).state, { timeout: wish.waitMs }).toBe('completed');
    expect(statusOf(best).attempt).toBe(2);
    expect(ids.slice(0, 2).map((run) => statusOf(run).phase)).toEqual([
      'Paused at a rung',
      'Paused at a rung',
    ]);
    const weights = (run: string) =>
      readFileSync(
        join(
          bench.home.collie,
          'runs',
          run,
          'checkpoints',
          checkpointName(wish.steps),
          'adapter.safetensors',
        ),
      );
    const spec = join(bench.home.collie, 'runs', best, 'spec.json');
    const { id: straight } = JSON.parse(await collie(bench.home, ['--json', 'run', spec])) as { id: string };
    bench.runs.push(straight);
    expect(statusOf(straight).attempt).toBe(1);
    expect(weights(best).equals(weights(straight))).toBe(true);
  });
}
