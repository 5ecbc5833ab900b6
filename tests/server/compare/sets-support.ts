/** Two runs with named evaluation sets, and a comparison of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { CompareService } from '../../../electron/server/compare/service.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { RunSummaries } from '../../../electron/server/runs/summaries.ts';
import { addSet, type answered, type MadeRow, type MadeSet } from '../../support/made-sets.ts';
import { viewOf, writeRun } from './support.ts';

/** Rows by no set, metric or slice in particular. */
export const ANY = { set: '', metric: '', slice: null };
export const range = (n: number) => Array.from({ length: n }, (_, k) => k);
export const view = viewOf({ runs: ['a', 'b'], grouped: false });

/** Of 40 rows a has the first 20 right, b the first 35. */
export const better = (made: typeof answered) =>
  [range(40).map((k) => made(k, k < 20)), range(40).map((k) => made(k, k < 35))] as const;

/** A library of its own for every test of a file. */
export class ComparedSets {
  home = '';
  compare!: CompareService;

  constructor() {
    beforeEach(() => {
      this.home = mkdtempSync(join(tmpdir(), 'collie-sets-'));
      const runs = new RunRegistry(this.home);
      this.compare = new CompareService(this.home, {
        runs,
        summaries: new RunSummaries(runs),
        series: new SeriesCache(),
        openDataset: async () => {
          throw new Error('the dataset is gone');
        },
      });
    });
    afterEach(() => rmSync(this.home, { recursive: true, force: true }));
  }

  /** Two runs with a set each; the candidate has what `b` makes of a row. */
  two(set: MadeSet, a: readonly MadeRow[], b: readonly MadeRow[], other: MadeSet = set): void {
    addSet(writeRun(this.home, 'a', { seed: 1 }), set, a);
    addSet(writeRun(this.home, 'b', { seed: 1, rate: 4e-4 }), other, b);
  }

  async verdictOn(set: string, of = view) {
    const verdicts = await this.compare.verdicts(of);
    return verdicts.find((one) => one.set === set) ?? expect.fail(`no verdict on ${set}`);
  }
}
