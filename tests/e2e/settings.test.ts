/** The address of alarms by clicking: tested, kept, seen by the command line, taken back. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { skipReason } from './support/browser.ts';
import { go } from './support/flows.ts';
import { openWorkbench } from './support/workbench.ts';

describe.skipIf(skipReason)('settings', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 4, noDataset: true });
  const bodies: string[] = [];
  let server: Server;
  let url = '';
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => (text += chunk));
      request.on('end', () => {
        bodies.push(text);
        response.writeHead(request.url === '/broken' ? 500 : 204).end();
      });
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server?.close());
  const kept = () => JSON.parse(readFileSync(join(bench.home.collie, 'settings.json'), 'utf8'));

  it('alarms get an address, which is tested, and lose it again', async () => {
    const { page } = bench;
    await go(page, 'Settings');
    const field = page.getByLabel('Address');
    await field.fill('nonsense');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('nonsense is no address of a web server').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');

    await field.fill(`${url}/broken`);
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('did not take the test: it answered 500').waitFor();
    expect(await axeFindings(page)).toEqual([]);

    await field.fill(url);
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test message was taken.').waitFor();
    expect(bodies.map((text) => JSON.parse(text).test)).toEqual([true, true]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Alarms are sent there from now on.').waitFor();
    expect(kept()).toMatchObject({ webhook: url });

    await page.reload();
    await expect.poll(() => page.getByLabel('Address').inputValue()).toBe(url);
    await page.getByRole('button', { name: 'Off' }).click();
    await page.getByText('Alarms are sent nowhere now.').waitFor();
    expect(kept()).toMatchObject({ webhook: null });
    expect(bench.faults).toEqual([]);
  });
});
