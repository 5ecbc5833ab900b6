/** The queue by clicking: runs are put in line, reordered, paused; host and rank are killed, and every run is trained once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { skipReason } from './support/browser.ts';
import { go, heading, pick, set, setting, showAllSettings } from './support/flows.ts';
import { HostProcess, killAtCheckpoint, readStatus } from './support/host.ts';
import { collie } from './support/six-runs.ts';
import { openWorkbench } from './support/workbench.ts';

const names = ['First', 'Second', 'Third'] as const;

describe.skipIf(skipReason)('the queue', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 100 });
  let page: Page;
  const waiting = () => page.getByRole('list', { name: /waiting/ }).getByRole('listitem');
  const order = async () => (await waiting().getByRole('link').allTextContents()).map((name) => name.trim());
  const runOf = async (name: string) => {
    const link = page.getByRole('link', { name, exact: true }).first();
    return ((await link.getAttribute('href')) ?? '').split('/').at(-1) ?? '';
  };
  const started = (id: string) =>
    readFileSync(join(bench.home.collie, 'runs', id, 'events/rank-000.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"type":"started"')).length;
  const ids: Record<string, string> = {};

  beforeAll(() => {
    ({ page } = bench);
  });

  it('is paused, and takes three runs from the form', async () => {
    await go(page, 'Queue');
    await page.getByText('Nothing is waiting').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('The queue is paused').waitFor();
    await go(page, 'New run');
    await showAllSettings(page);
    await pick(page, 'Training data', 'sums');
    await set(page, 'Sequence length', '128');
    await page.locator('[data-path="duration.unit"]').getByText('Steps', { exact: true }).click();
    await set(page, 'Duration', '200');
    await set(page, 'Checkpoint every', '10');
    for (const name of names) {
      await set(page, 'Name', name);
      await expect.poll(() => setting(page, 'Name').inputValue()).toBe(name);
      await page.getByRole('button', { name: 'Add to queue' }).click();
      await heading(page, 'Queue').waitFor();
      await page.getByRole('link', { name, exact: true }).waitFor();
      ids[name] = await runOf(name);
      bench.runs.push(ids[name]);
      if (name !== names[2]) await go(page, 'New run');
    }
    expect(await order()).toEqual([...names]);
    expect(await axeFindings(page)).toEqual([]);
  });

  it('changes its order by keyboard and by dragging', async () => {
    await page.getByRole('button', { name: /^Move Third/ }).focus();
    await page.keyboard.press('Home');
    await expect.poll(order).toEqual(['Third', 'First', 'Second']);
    await page.getByRole('button', { name: /^Move Second/ }).dragTo(waiting().nth(1));
    await expect.poll(order).toEqual(['Third', 'Second', 'First']);
    await page.getByRole('button', { name: 'Actions for First' }).click();
    await page.getByRole('menuitem', { name: 'Skip' }).click();
    await page.getByText('Skipped: it is passed over until you take that back.').waitFor();
  });

  it('goes on when the host is killed, and when a run is cut off', async () => {
    await page.getByRole('button', { name: 'Continue' }).click();
    await killAtCheckpoint(bench.home, ids.Third ?? '');
    await bench.host.kill();
    bench.host = await HostProcess.start(bench.home);
    await page.goto(`${bench.host.url}#/queue`);
    for (const name of ['Third', 'Second']) {
      await go(page, 'Runs');
      await page.getByRole('row', { name }).getByText('Completed').waitFor({ timeout: 300_000 });
    }
    // Cut off once, resumed once; the other was never touched.
    expect([started(ids.Third ?? ''), started(ids.Second ?? '')]).toEqual([2, 1]);
  });

  it('lets a skipped run take its turn again', async () => {
    await go(page, 'Queue');
    await page.getByRole('button', { name: 'Actions for First' }).click();
    await page.getByRole('menuitem', { name: 'Let it take its turn' }).click();
    await go(page, 'Runs');
    await page.getByRole('row', { name: 'First' }).getByText('Completed').waitFor({ timeout: 300_000 });
    expect(started(ids.First ?? '')).toBe(1);
    expect(bench.faults).toEqual([]);
  });

  it('takes a sweep from the command line: shown first, then trained, then compared by its groups of seeds', async () => {
    const sweep = {
      name: 'Rates',
      spec: {
        model: 'library:tiny-llama',
        dataset: {
          train: 'library:sums',
          mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
        },
        method: { type: 'lora' },
        optimizer: { type: 'adamw' },
        batch: { seq_len: 128 },
        duration: { unit: 'steps', value: 6 },
      },
      settings: {
        'optimizer.learning_rate': { values: [1e-4, 1e-2] },
        'method.rank': { values: [4, 100_000] },
      },
      seeds: [1, 2],
    };
    const file = join(bench.home.user, 'sweep.json');
    writeFileSync(file, JSON.stringify(sweep));
    const shown = JSON.parse(await collie(bench.home, ['--json', 'sweep', file, '--dry-run']));
    expect(shown.runs).toBe(4);
    const wrong = shown.points.filter(({ issues }: { issues: unknown[] }) => issues.length > 0);
    expect(wrong.map(({ values }: { values: Record<string, number> }) => values['method.rank'])).toEqual([
      1e5, 1e5,
    ]);
    await expect(collie(bench.home, ['sweep', file])).rejects.toThrow('method.rank');
    const { ids: swept } = JSON.parse(await collie(bench.home, ['--json', 'sweep', file, '--leave-out']));
    bench.runs.push(...swept);
    const done = (id: string) => readStatus(bench.home, id).state === 'completed';
    await expect.poll(() => swept.every(done), { timeout: 400_000 }).toBe(true);
    const { report } = JSON.parse(await collie(bench.home, ['--json', 'compare', ...swept]));
    // Seeds of one point are one group.
    expect(report.groups.map(({ runs }: { runs: string[] }) => runs)).toEqual([
      swept.slice(0, 2),
      swept.slice(2),
    ]);
    await go(page, 'Runs');
    await page.getByRole('button', { name: 'Runs of Rates' }).click();
    await page.getByRole('row', { name: /Rates: learning_rate 0.01, rank 4, seed 2/ }).waitFor();
  });
});
