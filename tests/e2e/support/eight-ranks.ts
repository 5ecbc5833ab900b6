/**
 * Eight ranks by clicking: 2 x 2 x 2 chosen on the picture, watched, one rank killed, the run recovers by itself, and the adapter is
 * that of one rank. One story; each step needs the one before.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { isAlive, type ProcessRef, processRef } from '../../../electron/server/runs/process.ts';
import { readEvent } from '../../../electron/shared/runs/event-line.ts';
import { type EventPayload, runStatusSchema } from '../../../electron/shared/runs/events.ts';
import { checkpointStep, eventsFile, runFiles } from '../../../electron/shared/runs/run-folder.ts';
import { readSafetensorsValues } from '../../support/safetensors.ts';
import { skipReason } from './browser.ts';
import {
  go,
  heading,
  lossByStep,
  mean,
  set,
  setting,
  startButton,
  waitForState,
  waitForStep,
} from './flows.ts';
import type { Home } from './host.ts';
import { shootPages } from './screens.ts';
import { composeRun } from './variants.ts';
import { openWorkbench } from './workbench.ts';

const RANKS = [0, 1, 2, 3, 4, 5, 6, 7];
const VICTIM = 5;

/** What is trained, and how near two sums of fp32 in another order stay over so many steps of AdamW. */
export interface EightRanks {
  /** Makes the model, or finds it; returns its folder. */
  model: (home: Home) => string;
  seqLen: number;
  steps: number;
  checkpointEvery: number;
  learningRate: string;
  /** A layout that the model's layers or heads do not allow. */
  impossible: string;
  /** The loss of the last tenth of the steps over that of the first. */
  falls: number;
  /** Largest difference of a step's loss to that of one rank. */
  lossTolerance: number;
  /** Norm of the difference over the norm, of every tensor of the adapter. */
  adapterTolerance: number;
  /** Milliseconds for a run. */
  patience: number;
}

export const describeEightRanks = (title: string, o: EightRanks) =>
  describe.skipIf(skipReason)(title, () => {
    const bench = openWorkbench({ model: o.model, modelName: 'Base model', rows: 100 });
    let page: Page;
    let runId = '';
    let killedAfter = 0;
    let losses: Map<number, number>;
    let adapter = '';
    const first: ProcessRef[] = [];

    const runFolder = () => join(bench.home.collie, 'runs', runId);
    const status = () =>
      runStatusSchema.parse(JSON.parse(readFileSync(join(runFolder(), runFiles.status), 'utf8')));
    /** What a rank said at the begin of every attempt so far. */
    function started(rank: number): EventPayload<'started'>[] {
      const path = join(runFolder(), eventsFile(rank));
      if (!existsSync(path)) return [];
      const events = readFileSync(path, 'utf8').split('\n').slice(0, -1).map(readEvent);
      return events.flatMap((event) => (event?.type === 'started' ? [event.payload] : []));
    }
    const section = () => page.getByRole('region', { name: 'Parallel' });
    const layout = (name: string) => section().getByRole('radio', { name, exact: true });
    const rankRows = () => page.getByRole('table', { name: 'Ranks' }).locator('tbody tr');

    /** Starts what the form holds; resolves on the page of the run. */
    async function start(name: string): Promise<void> {
      await expect.poll(() => startButton(page).isEnabled()).toBe(true);
      await startButton(page).click();
      await heading(page, name).waitFor();
      runId = decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? '');
      bench.runs.push(runId);
    }
    async function exportAdapter(): Promise<string> {
      await page.getByRole('button', { name: 'Export…' }).first().click();
      const dialog = page.getByRole('dialog', { name: 'Export' });
      await dialog.getByRole('radio', { name: /Adapter \(PEFT\)/ }).click();
      await dialog.getByRole('button', { name: 'Export', exact: true }).click();
      await dialog.getByText('Adapter (PEFT) written').waitFor();
      const path = (await dialog.locator('code').first().textContent()) ?? '';
      await dialog.getByRole('button', { name: 'Done' }).click();
      return join(path, 'adapter_model.safetensors');
    }

    beforeAll(() => {
      ({ page } = bench);
    });

    it('says beside the accumulation what the global batch is', async () => {
      await composeRun(page, {
        name: 'Eight',
        model: 'Base model',
        data: 'sums',
        seqLen: o.seqLen,
        steps: o.steps,
      });
      await section().getByRole('button', { name: 'Several ranks' }).click();
      await section().getByRole('button', { name: 'Raise Data parallel' }).click();
      const accumulation = page.locator('[data-path="batch.grad_accum_steps"]');
      await set(page, 'Gradient accumulation', '4');
      await set(page, 'Batch size', '2');
      await accumulation
        .getByText(
          `Global batch: 2 x 4 x 2 ranks = 16 sequences, at most ${(16 * o.seqLen).toLocaleString('en')} tokens`,
        )
        .waitFor();
    });

    it('draws the ranks of a layout that is picked from the ranked ones', async () => {
      await section().getByLabel('Layouts of').fill('8');
      await layout('dp 2, tp 2, pp 2').check();
      const drawn = section().getByRole('listitem', { name: /^Rank \d: stage/ });
      await expect.poll(() => drawn.count()).toBe(RANKS.length);
      for (const size of ['Data parallel', 'Tensor parallel', 'Pipeline parallel'])
        expect(await setting(page, size).inputValue(), size).toBe('2');
      await section().getByText('Memory of all ranks').waitFor();
      expect(await layout(o.impossible).count()).toBe(0);
    });

    it('takes restarts, a timeline and what makes runs comparable', async () => {
      await section()
        .getByRole('button', { name: /^Advanced/ })
        .click();
      await set(page, 'Restarts', '2');
      await setting(page, 'Record a timeline').check({ force: true });
      await page
        .getByRole('region', { name: 'Device and precision' })
        .getByRole('button', { name: /^Advanced/ })
        .click();
      await set(page, 'CPU threads', '1');
      await page.locator('[data-path="precision"]').getByText('fp32', { exact: true }).click();
      await set(page, 'Learning rate', o.learningRate);
      await set(page, 'Checkpoint every', String(o.checkpointEvery));
      await start('Eight');
    });

    it('shows eight ranks at work, and the timeline of their pipeline', async () => {
      await page.getByRole('tab', { name: 'Ranks' }).click();
      await expect
        .poll(() => rankRows().filter({ hasText: 'Alive' }).count(), { timeout: o.patience })
        .toBe(8);
      for (const rank of RANKS) {
        const [event] = started(rank);
        expect(event).toMatchObject({
          stage: Math.floor(rank / 4),
          dp_rank: Math.floor(rank / 2) % 2,
          tp_rank: rank % 2,
        });
        first.push(processRef(event?.pid ?? 0));
      }
      expect(first.every(isAlive)).toBe(true);
      const timeline = page.getByRole('region', { name: 'Timeline of the pipeline' });
      await timeline.getByText(/^Bubble: .* measured, 20% in theory/).waitFor({ timeout: o.patience });
      const passes = /^Rank \d, stage [01]: 4 forward and 4 backward passes/;
      expect(await timeline.getByRole('listitem', { name: passes }).count()).toBe(8);
    });

    it('recovers when one of them is killed', async () => {
      await expect.poll(() => status().checkpoint, { timeout: o.patience, interval: 20 }).not.toBeNull();
      killedAfter = checkpointStep(status().checkpoint ?? '') ?? 0;
      expect(status().state).toBe('running');
      process.kill(started(VICTIM).at(-1)?.pid ?? 0, 'SIGKILL');
      const notice = page.getByText(
        /^Attempt 2, restart 1 of 2: continued from step \d+ because rank 5 \(process [1-9]\d* on /,
      );
      await notice.waitFor({ timeout: o.patience });
      const from = Number(/from step (\d+)/.exec((await notice.textContent()) ?? '')?.[1]);
      expect(from).toBeGreaterThanOrEqual(killedAfter);
      await expect.poll(() => first.filter(isAlive)).toEqual([]);
      await expect
        .poll(() => RANKS.map((rank) => started(rank).length), { timeout: o.patience })
        .toEqual(Array(8).fill(2));
      for (const rank of RANKS)
        expect(started(rank)[1]).toMatchObject({ attempt: 2, resumed_from_step: from });
      await waitForStep(page, from + 1);
    });

    it('reaches its end with every step once and the loss fallen', async () => {
      await waitForState(page, 'Completed', o.patience);
      expect(status()).toMatchObject({ state: 'completed', step: o.steps, attempt: 2 });
      expect(status().ranks.map(({ state }) => state)).toEqual(Array(8).fill('ended'));
      await page.getByRole('tab', { name: 'Charts' }).click();
      await expect.poll(async () => (await lossByStep(page)).size).toBe(o.steps);
      losses = await lossByStep(page);
      const values = [...losses.values()];
      const tenth = Math.ceil(o.steps / 10);
      expect(mean(values.slice(-tenth))).toBeLessThan(o.falls * mean(values.slice(0, tenth)));
      adapter = await exportAdapter();
    });

    it('looks whole in light and dark, at 1280 and 1920', async () => {
      await shootPages(bench.host, { 'run-ranks': `#/runs/${runId}?tab=ranks` });
    });

    it('has trained what one rank trains', async () => {
      await page.getByRole('button', { name: 'Duplicate…' }).click();
      await heading(page, 'New run').waitFor();
      await set(page, 'Name', 'One');
      for (const size of ['Data parallel', 'Tensor parallel', 'Pipeline parallel'])
        await set(page, size, '1');
      await set(page, 'Gradient accumulation', '8'); // the same global batch
      await start('One');
      await waitForState(page, 'Completed', o.patience);
      await expect.poll(async () => (await lossByStep(page)).size).toBe(o.steps);
      const alone = await lossByStep(page);
      for (const [step, loss] of alone)
        expect(Math.abs(loss - (losses.get(step) ?? 0)), `step ${step}`).toBeLessThan(o.lossTolerance);
      const [one, eight] = [readSafetensorsValues(await exportAdapter()), readSafetensorsValues(adapter)];
      expect([...eight.keys()].sort()).toEqual([...one.keys()].sort());
      for (const [name, values] of one)
        expect(distance(values, eight.get(name)), name).toBeLessThan(o.adapterTolerance);
      await go(page, 'Runs');
    });
  });

/** Norm of the difference against the norm. */
function distance(values: Float32Array, others: Float32Array | undefined): number {
  if (others?.length !== values.length) return Number.POSITIVE_INFINITY;
  const norm = (of: (k: number) => number) => Math.sqrt(values.reduce((sum, _, k) => sum + of(k) ** 2, 0));
  return (
    norm((k) => (values[k] ?? 0) - (others[k] ?? 0)) /
    Math.max(
      1e-12,
      norm((k) => values[k] ?? 0),
    )
  );
}
