/** A workbench to click in: a fresh home with a model and rows imported, its host, and a page; all of it gone after the tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { makeTinyModel } from '../../support/tiny-model.ts';
import { launchBrowser, openPage, shootOnFailure, type WatchedPage } from './browser.ts';
import { sumRows } from './data.ts';
import { heading, importDatasetByBrowsing, importModel } from './flows.ts';
import { endRun, type Home, HostProcess, makeHome } from './host.ts';

export interface WorkbenchOptions {
  /** Makes the model, or finds it; returns its folder. Left out: a tiny one of random weights. */
  model?: (home: Home) => string;
  modelName: string;
  /** Rows of sums in `<user>/sums.jsonl`. */
  rows: number;
  /** Leaves the rows in their file. */
  noDataset?: boolean;
}

/** Filled before the first test. A story that loses its host puts the new one here. */
export class Workbench {
  folder = '';
  home!: Home;
  host!: HostProcess;
  browser!: Browser;
  page!: Page;
  /** Runs that may be going still; their supervisors outlive the host. */
  readonly runs: string[] = [];
  readonly #opened: WatchedPage[] = [];

  /** What all pages of this workbench reported. */
  get faults(): string[] {
    return this.#opened.flatMap(({ faults }) => faults);
  }

  /** A browser, or another one, at a place behind `#`. */
  async openBrowser(hash = ''): Promise<void> {
    this.browser = await launchBrowser();
    const opened = await openPage(this.browser, `${this.host.url}${hash}`);
    this.#opened.push(opened);
    this.page = opened.page;
  }
}

export function openWorkbench({ model, modelName, rows, noDataset }: WorkbenchOptions): Workbench {
  const bench = new Workbench();
  beforeAll(async () => {
    bench.folder = mkdtempSync(join(tmpdir(), 'collie-e2e-'));
    bench.home = makeHome(bench.folder);
    const source = model ? model(bench.home) : makeTinyModel(join(bench.home.user, 'tiny-llama'));
    writeFileSync(join(bench.home.user, 'sums.jsonl'), sumRows(rows));
    bench.host = await HostProcess.start(bench.home);
    await bench.openBrowser();
    const { page } = bench;
    await importModel(page, source, modelName);
    await page.getByRole('dialog', { name: modelName }).getByRole('button', { name: 'Close' }).click();
    if (noDataset) return;
    await importDatasetByBrowsing(page, [], 'sums.jsonl');
    await heading(page, 'sums').waitFor();
  });
  afterAll(async () => {
    await bench.browser?.close();
    await bench.host?.stop();
    for (const id of bench.runs) endRun(bench.home, id);
    if (bench.folder) rmSync(bench.folder, { recursive: true, force: true });
  });
  shootOnFailure(() => bench.page);
  return bench;
}
