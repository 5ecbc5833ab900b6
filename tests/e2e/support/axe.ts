/** What axe finds on the page that is shown. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Axe {
  run(context: Document): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }>;
}

/** "rule: places", one a violation. */
export async function axeFindings(page: Page): Promise<string[]> {
  // Transitions are off, but fonts change widths when they come.
  await page.evaluate(() => document.fonts.ready);
  // As the debugger does, which the page's own rules for scripts do not hold for.
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: Axe }).axe.run(document);
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
  });
}
