import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';

/**
 * The tiers: `unit` takes seconds and needs no native build; `process` (`*.process.test.ts`, wherever they stand) starts supervisors and command
 * lines, out of what `npm run build:node` has compiled; `addon` needs the native addon; `engine` runs the real collie-rank; `reference` compares
 * with Hugging Face transformers and PEFT in a Python environment it makes; `e2e` drives the page in Chromium; `faults` damages inputs,
 * kills processes and fills disks (a short part of it, unless COLLIE_FAULTS=whole); `starter`
 * trains the downloaded starter model for half an hour (CONTRIBUTING.md), so `npm test` leaves it out.
 */
const tiers = ['engine', 'reference', 'e2e', 'faults', 'starter'];
const root = fileURLToPath(new URL('..', import.meta.url));

/** Tests that import `native/addon-built.ts` need the addon, and with it the native build: a tier of their own. */
const addonTests = readdirSync(join(root, 'tests'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.test\.tsx?$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((path) => readFileSync(path, 'utf8').includes('/addon-built.ts'))
  .map((path) => relative(root, path));

const processTests = 'tests/**/*.process.test.ts';

/**
 * Tests import sources; here they get the compiled ones, so that the processes they start are compiled too: from source each takes two seconds of
 * processor time just to start.
 */
const compiled: Plugin = {
  name: 'compiled',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!importer || !source.startsWith('.') || !source.endsWith('.ts')) return null;
    const path = relative(join(root, 'electron'), resolve(dirname(importer), source));
    return path.startsWith('..') ? null : join(root, 'dist/electron', path.replace(/\.ts$/, '.js'));
  },
};

const slow = (name: string) => ({
  ...(name === 'faults' ? { plugins: [compiled] } : {}),
  test: {
    name,
    root,
    include: [`tests/${name}/**/*.test.ts`],
    // The whole campaign waits many times for limits that end what a damaged file makes slow.
    testTimeout: name === 'faults' && process.env.COLLIE_FAULTS === 'whole' ? 7_200_000 : 600_000,
    hookTimeout: 900_000,
    // What a page or a run comes to may take long on two busy cores; nothing is asserted about when.
    expect: { poll: { timeout: 120_000 } },
    // What the campaign counts is shown, test by test.
    ...(name === 'faults' ? { disableConsoleIntercept: true } : {}),
    fileParallelism: false,
  },
});

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          root,
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: [
            ...tiers.map((tier) => `tests/${tier}/**`),
            processTests,
            ...addonTests,
            'node_modules/**',
          ],
          // Beside a compiler on both cores, the slowest tests of screens take three times as long as alone.
          testTimeout: 60_000,
        },
      },
      { test: { name: 'addon', root, include: addonTests, testTimeout: 20_000 } },
      { plugins: [compiled], test: { name: 'process', root, include: [processTests] } },
      ...tiers.map(slow),
    ],
  },
});
