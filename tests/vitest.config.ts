import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * The tiers: `unit` takes seconds and needs no native build; `engine` runs the real collie-rank; `reference` compares
 * with Hugging Face transformers and PEFT in a Python environment it makes; `e2e` drives the page in Chromium; `starter`
 * trains the downloaded starter model for half an hour (CONTRIBUTING.md), so `npm test` leaves it out.
 */
const tiers = ['engine', 'reference', 'e2e', 'starter'];
const root = fileURLToPath(new URL('..', import.meta.url));

const slow = (name: string) => ({
  test: {
    name,
    root,
    include: [`tests/${name}/**/*.test.ts`],
    testTimeout: 600_000,
    hookTimeout: 900_000,
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
          exclude: [...tiers.map((tier) => `tests/${tier}/**`), 'node_modules/**'],
          testTimeout: 20_000,
        },
      },
      ...tiers.map(slow),
    ],
  },
});
