/** An Arrow file whose few bytes claim rows without end is refused before it has filled the disk. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeData, Null, Table, tableToIPC, Vector, vectorFromArray } from 'apache-arrow';
import { expect, it } from 'vitest';
import { arrowToJsonl } from '../../../electron/server/datasets/arrow.ts';
import { scratchFolder } from './fixtures.ts';

const scratch = scratchFolder('arrow-limit');

it('64 MB and a thousand times the file at most', async () => {
  const [path, target] = [join(scratch, 'x.arrow'), join(scratch, 'x.jsonl')];
  // A column of nulls takes no bytes, however many; its name makes the rows long.
  const nulls = new Vector([makeData({ type: new Null(), length: 1_000_000 })]);
  writeFileSync(path, tableToIPC(new Table({ ['x'.repeat(10_000)]: nulls })));
  const bytes = statSync(path).size;
  expect(bytes).toBeLessThan(60_000);
  await expect(arrowToJsonl(path, target, path)).rejects.toMatchObject({
    code: 'dataset.unreadable',
    message: expect.stringContaining('its 1000000 rows do not end'),
  });
  const written = existsSync(target) ? statSync(target).size : 0;
  expect(written).toBeLessThanOrEqual(2 ** 26 + 1000 * bytes);
});

it('texts that stand once and are referred to often are all written', async () => {
  const [path, target] = [join(scratch, 'y.arrow'), join(scratch, 'y.jsonl')];
  const texts = vectorFromArray(Array.from({ length: 3000 }, () => 'a long text '.repeat(400)));
  writeFileSync(path, tableToIPC(new Table({ text: texts })));
  await arrowToJsonl(path, target, path);
  expect(statSync(target).size).toBe(
    3000 * (JSON.stringify({ text: 'a long text '.repeat(400) }).length + 1),
  );
});
