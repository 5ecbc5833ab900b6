/** A thread of the host that is ended while it is in the addon (a file took longer than it may) ends alone. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addonPath } from '../../electron/server/native/addon.ts';
import { ggufWithTokens } from '../support/gguf-bytes.ts';
import { describeWithAddon } from './addon-built.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-ended-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The thread reads the file again and again; it is ended in the middle of it. */
const PROGRAM = `
  const { Worker } = require('node:worker_threads');
  const [addon, file] = process.argv.slice(1);
  const reading = \`const addon = require(\${JSON.stringify(addon)});
    require('node:worker_threads').parentPort.postMessage('begins');
    for (;;) addon.ggufInfo(\${JSON.stringify(file)});\`;
  const worker = new Worker(reading, { eval: true });
  worker.on('message', () => worker.terminate().then(() => console.log('the process goes on')));
`;

describeWithAddon('a thread that is ended while it reads a file in the addon', () => {
  it('does not end the process', () => {
    const file = join(folder, 'large.gguf');
    writeFileSync(file, ggufWithTokens(200_000));
    const told = execFileSync(process.execPath, ['-e', PROGRAM, addonPath(), file], { encoding: 'utf8' });
    expect(told).toBe('the process goes on\n');
  });
});
