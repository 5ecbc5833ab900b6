/** Runs of the same data tokenize once: real tokens, by what their folders hold. */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { prepareDataset } from '../../../electron/server/datasets/prepare.ts';
import { prepareSharedData } from '../../../electron/server/datasets/shared-data.ts';
import { prepareData } from '../../../electron/supervisor/prepare.ts';
import { describeWithAddon } from '../../native/addon-built.ts';
import { tinyModel } from '../tokenize/fixtures.ts';
import { jsonl, scratchFolder, specFor, writeText } from './fixtures.ts';

const scratch = scratchFolder('shared-data');
const rows = Array.from({ length: 40 }, (_, k) => ({ question: `What is ${k}?`, answer: `It is ${k}.` }));
const folderOf = (run: string) => {
  const folder = join(scratch, 'home/runs', run);
  mkdirSync(folder, { recursive: true });
  return folder;
};
const context = { signal: new AbortController().signal, progress: () => {} };

describeWithAddon('the data of runs of the same rows', () => {
  it('is tokenized once, and is what a run by itself would have', async () => {
    const train = await writeText(join(scratch, 'rows.jsonl'), jsonl(rows));
    const spec = { ...specFor(train, { sampling: { prompts: ['One?'] } }), model: tinyModel };
    const set = { name: 'held', data: train, evaluator: { type: 'likelihood' } };
    const asked = specFor(train, { ...spec, evaluation: { sets: [set] } });
    const swept = { ...asked, optimizer: { ...asked.optimizer, learning_rate: 0.5 } };
    expect((await prepareSharedData(folderOf('a'), { ...asked, model: tinyModel })).of).toBeNull();
    const own = { ...swept, model: tinyModel, sampling: { ...swept.sampling, prompts: ['Two?', 'Three?'] } };
    const log = await prepareData(folderOf('b'), own, context);
    expect(log[0]).toContain('the tokens of run a are used');

    const alone = join(scratch, 'alone/data');
    await prepareDataset(own, tinyModel, alone);
    const names = readdirSync(alone).sort();
    expect(names).toContain('set-held.rows.jsonl');
    expect(readdirSync(join(folderOf('b'), 'data')).sort()).toEqual(names);
    for (const name of names.filter((one) => one !== 'meta.json'))
      expect(readFileSync(join(folderOf('b'), 'data', name))).toEqual(readFileSync(join(alone, name)));
    // Links, but for what is its own.
    const links = names.filter((name) => statSync(join(folderOf('b'), 'data', name)).nlink > 1);
    expect(names.filter((name) => !links.includes(name))).toEqual(['meta.json', 'samples.json']);
    expect(JSON.parse(readFileSync(join(folderOf('b'), 'data/meta.json'), 'utf8')).tokensOf).toBe('a');
  });
});
