/** Families beside Llama by clicking, each from its folder to a tuned model: import, LoRA, chat, and both exports. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensorsHeader } from '../support/safetensors.ts';
import { makeTinyModel, type TinyFamily } from '../support/tiny-model.ts';
import { skipReason } from './support/browser.ts';
import { go, heading, lossByStep, mean, set } from './support/flows.ts';
import { composeRun, startAndFinish } from './support/variants.ts';
import { openWorkbench } from './support/workbench.ts';

const STEPS = 300;

interface Story {
  family: TinyFamily;
  /** As the import form is given it. */
  name: string;
  architecture: string;
  /** A tensor that Llama has not. */
  own: string;
}

const stories: Story[] = [
  {
    family: 'qwen3',
    name: 'Tiny Qwen3',
    architecture: 'Qwen3ForCausalLM',
    own: 'model.layers.0.self_attn.q_norm.weight',
  },
  {
    family: 'gemma3',
    name: 'Tiny Gemma 3',
    architecture: 'Gemma3ForCausalLM',
    own: 'model.layers.1.post_feedforward_layernorm.weight',
  },
];

describe.skipIf(skipReason).each(stories)(
  '$name from folder to export',
  ({ family, name, architecture, own }) => {
    const bench = openWorkbench({
      model: (home) => makeTinyModel(join(home.user, `tiny-${family}`), { family }),
      modelName: name,
      rows: 100,
    });
    let page: Page;
    beforeAll(() => {
      ({ page } = bench);
    });

    async function exportAs(kind: RegExp, written: string): Promise<string> {
      await page.getByRole('button', { name: 'Export…' }).first().click();
      const dialog = page.getByRole('dialog', { name: 'Export' });
      await dialog.getByRole('radio', { name: kind }).click();
      await dialog.getByRole('button', { name: 'Export', exact: true }).click();
      await dialog.getByText(written).waitFor();
      const folder = (await dialog.locator('code').first().textContent()) ?? '';
      await dialog.getByRole('button', { name: 'Done' }).click();
      return folder;
    }

    it('its card says what it is', async () => {
      await go(page, 'Models');
      await page.getByText(name, { exact: true }).first().click();
      const card = page.getByRole('dialog', { name });
      await card.getByText(architecture).first().waitFor();
      await card.getByRole('button', { name: 'Close' }).click();
    });

    it('trains with LoRA, and the loss falls', async () => {
      await composeRun(page, { name: 'Sums', model: name, data: 'sums', seqLen: 128, steps: STEPS });
      await set(page, 'Learning rate', '0.01');
      await startAndFinish(page, 'Sums', 400_000);
      bench.runs.push(decodeURIComponent(/#\/runs\/([^?/]+)/.exec(page.url())?.[1] ?? ''));
      await expect.poll(async () => (await lossByStep(page)).size).toBe(STEPS);
      const losses = [...(await lossByStep(page)).values()];
      expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
    });

    it('exports the adapter', async () => {
      const folder = await exportAs(/Adapter \(PEFT\)/, 'Adapter (PEFT) written');
      const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'));
      expect(config.peft_type).toBe('LORA');
      expect(Object.keys(readSafetensorsHeader(join(folder, 'adapter_model.safetensors')))).toHaveLength(
        2 * 7 * 2,
      );
    });

    it('exports the merged model, with all that its family has', async () => {
      const folder = await exportAs(/Merged/, 'written');
      expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).architectures).toEqual([
        architecture,
      ]);
      expect(readSafetensorsHeader(join(folder, 'model.safetensors'))[own]).toBeDefined();
      expect(existsSync(join(folder, 'tokenizer.json'))).toBe(true);
    });

    it('chats with base and tuned model, and the tuned one has learned', async () => {
      await page.goto(`${bench.host.url}#/playground?run=${bench.runs[0]}`);
      await page.reload();
      await heading(page, 'Playground').waitFor();
      await page.getByLabel('Temperature').fill('0');
      await page.getByLabel('Answer length').fill('16');
      await page.getByLabel('Prompt').fill('What is 4 plus 5?');
      await page.getByLabel('Prompt').press('Enter');
      const log = page.getByRole('log', { name: 'Finished answers' });
      await log.getByText(`${name} answered`).waitFor({ state: 'attached' });
      await log.getByText('Sums answered').waitFor({ state: 'attached' });
      const [base, tuned] = await log.locator('p').allTextContents();
      expect(tuned).toMatch(/answered: It is \d+\.$/);
      expect(base).not.toMatch(/It is \d+/);
    });

    it('has reported no fault of its own', async () => {
      await page.close();
      expect(bench.faults).toEqual([]);
    });
  },
);
