/** Best checkpoints by a metric: which are kept, when a run ends early, what a resume knows. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mpirunEnvironment, noMpi } from '../support/mpirun.ts';
import { readEvents, type SpecPatch } from '../support/rank.ts';
import { writeTokenStore } from '../support/token-store.ts';
import {
  countingDocuments,
  layOut,
  noEngine,
  payloads,
  TrainProcess,
  temporaryFolder,
  tinyRun,
} from './support.ts';

const STEPS = 8;
const settings = (best: object): SpecPatch => ({
  batch: { micro_batch_size: 1, grad_accum_steps: 2, seq_len: 64 },
  duration: { unit: 'steps', value: STEPS },
  evaluation: { sets: [{ name: 'mine', data: '/x', every_steps: 1 }] },
  checkpoint: { every_steps: 0, keep: 1, best_by: 'mine/worth', ...best },
});

/** Trains; the evaluation at step k is worth `worth[k]`. */
async function trainWorth(run: string, worth: readonly number[], resume?: string): Promise<void> {
  mkdirSync(join(run, 'events'), { recursive: true });
  const asked = () => {
    try {
      return payloads(readEvents(run), 'evaluated');
    } catch {
      return []; // nothing yet, or a line half written
    }
  };
  let said = asked().length;
  const train = new TrainProcess(run, resume);
  for (;;) {
    const more = await train.event('evaluated', () => asked().length > said).catch(() => null);
    if (more === null) break;
    for (const { step } of asked().slice(said)) {
      said += 1;
      train.send('scores', { set: 'mine', step, metrics: { worth: worth[step] ?? null } });
    }
  }
  const { code, stderr } = await train.ended;
  if (code !== 0) throw new Error(`collie-rank ended with ${code}: ${stderr}`);
}

const kept = (run: string) =>
  payloads(readEvents(run), 'checkpoint').length > 0
    ? (JSON.parse(readFileSync(join(run, 'checkpoints/best.json'), 'utf8')) as {
        best: { step: number; value: number }[];
      })
    : { best: [] };

describe.skipIf(noEngine)('best checkpoints', () => {
  const root = temporaryFolder();
  const make = (best: object) => {
    const run = tinyRun(root, settings(best), countingDocuments(3, 9));
    writeTokenStore(join(run, 'data'), 'set-mine', countingDocuments(2, 5));
    return run;
  };
  const folders = async (run: string) =>
    (await import('node:fs'))
      .readdirSync(join(run, 'checkpoints'))
      .filter((name) => name.startsWith('step-'))
      .sort();

  it('are kept besides the newest, however long ago', async () => {
    const run = make({ best_is: 'highest', keep_best: 2 });
    await trainWorth(run, [9, 1, 5, 2, 7, 3, 3, 1, 2]);
    expect(kept(run).best).toMatchObject([
      { step: 4, value: 7 },
      { step: 2, value: 5 },
    ]);
    expect(await folders(run)).toEqual(['step-00000002', 'step-00000004', 'step-00000008']);
  });

  it('a run that improves no more ends early, says so, and ends with the best', async () => {
    const run = make({ best_is: 'lowest', patience: 3, min_delta: 0.5, restore_best: true });
    await trainWorth(run, [9, 5, 4, 3.9, 3.8, 3.7]);
    const events = readEvents(run);
    expect(payloads(events, 'finished')[0]?.payload.reason).toBe('completed');
    expect(payloads(events, 'step')).toHaveLength(5);
    expect(payloads(events, 'warning').at(-1)?.payload.message).toBe(
      'Ended early: mine/worth has not improved in 3 evaluations; the best was step 5.',
    );
    expect(await folders(run)).toEqual(['step-00000005']);
  });

  it('ends with the best where later ones are worse', async () => {
    const run = make({ best_is: 'lowest', restore_best: true });
    await trainWorth(run, [9, 5, 2, 6, 6, 6, 6, 6, 6]);
    expect(await folders(run)).toEqual(['step-00000002']);
  });

  it('a resume knows what was measured up to its checkpoint, and forgets the rest', async () => {
    const run = make({ best_is: 'lowest', keep_best: 2 });
    await trainWorth(run, [9, 5, 2, 6, 6, 6, 6, 6, 1]);
    expect(await folders(run)).toEqual(['step-00000002', 'step-00000008']);
    await trainWorth(run, [9, 5, 2, 3, 6, 6, 6, 6, 7], 'step-00000002');
    expect(kept(run).best.map(({ step }) => step)).toEqual([2, 3]);
    expect(await folders(run)).toEqual(['step-00000002', 'step-00000003', 'step-00000008']);
  });

  it.skipIf(noMpi)('all ranks of a layout decide alike', async () => {
    Object.assign(process.env, mpirunEnvironment);
    const run = make({ best_is: 'lowest', patience: 2 });
    layOut(run, { dp_size: 2 });
    await trainWorth(run, [9, 5, 6, 7]);
    expect(payloads(readEvents(run), 'step')).toHaveLength(3);
    expect(await folders(run)).toEqual(['step-00000001', 'step-00000003']);
  });
});
