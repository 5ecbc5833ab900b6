/** Runs of several ranks: they train what one rank trains, go on under any layout, and lose nothing when one is killed. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import type { RunEvent } from '../../electron/shared/runs/events.ts';
import type { RunSpec } from '../../electron/shared/spec/run-spec.ts';
import { mpirunEnvironment, noMpi } from '../support/mpirun.ts';
import { uniform } from '../support/random.ts';
import { rank, type SpecPatch } from '../support/rank.ts';
import { readSafetensorsValues } from '../support/safetensors.ts';
import {
  checkpoints,
  countingDocuments,
  fileBytes,
  layOut,
  metricsOf,
  noEngine,
  payloads,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from './support.ts';

type Layout = Partial<RunSpec['parallel']>;
const whole = process.env.COLLIE_WHOLE_MATRIX !== undefined;
const TOTAL = 8;
const HALF = 'step-00000004';
const LAST = 'step-00000008';
const one: Layout = { dp_size: 1, tp_size: 1, sequence_parallel: false, pp_size: 1, zero_stage: 0 };
const grid: Layout = { dp_size: 2, tp_size: 2, sequence_parallel: false, pp_size: 2, zero_stage: 2 };
const data: Layout = { dp_size: 2, tp_size: 1, sequence_parallel: false, pp_size: 1, zero_stage: 1 };
const weights: Layout = { dp_size: 2, tp_size: 2, sequence_parallel: true, pp_size: 1, zero_stage: 3 };
const model: Layout = { dp_size: 1, tp_size: 2, sequence_parallel: true, pp_size: 2, zero_stage: 0 };
const nameOf = (l: Layout) =>
  `dp ${l.dp_size}, tp ${l.tp_size}${l.sequence_parallel ? ' and sequence' : ''}, pp ${l.pp_size}, ZeRO ${l.zero_stage}`;

const settings: SpecPatch = {
  batch: { micro_batch_size: 1, grad_accum_steps: 4, seq_len: 64 },
  optimizer: { type: 'adamw', learning_rate: 0.005 },
  duration: { unit: 'steps', value: TOTAL },
  checkpoint: { every_steps: 4, keep: 9 },
};
const full: SpecPatch = { ...settings, method: { type: 'full' } };

const losses = (events: RunEvent[]) => metricsOf(events, 'step').map(({ loss }) => loss);
const evaluations = (events: RunEvent[]) => metricsOf(events, 'eval').map(({ loss }) => loss);

function closeTo(values: number[], expected: number[], tolerance: number): void {
  expect(values.length).toBe(expected.length);
  for (const [i, value] of values.entries())
    expect(Math.abs(value - (expected[i] ?? 0)) / (expected[i] ?? 1), `value ${i}`).toBeLessThan(tolerance);
}

/** Ids of the processes of a run. */
function processesOf(run: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [program, ...args] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return program === rankExecutable() && args.includes(run);
      } catch {
        return false; // gone meanwhile
      }
    })
    .map(Number);
}

describe.skipIf(noEngine ?? noMpi)('layouts', () => {
  const root = temporaryFolder();
  Object.assign(process.env, mpirunEnvironment);

  function makeRunOf(layout: Layout, spec: SpecPatch = settings): string {
    const run = tinyRun(root, spec, countingDocuments(5, 9));
    layOut(run, layout);
    return run;
  }
  function exported(run: string, checkpoint: string): Map<string, Float32Array> {
    const out = join(run, `../exported-${checkpoint}`);
    rank('export', '--run', run, '--checkpoint', checkpoint, '--kind', 'adapter', '--out', out);
    return readSafetensorsValues(join(out, 'adapter_model.safetensors'));
  }

  it.each([grid, data, weights, model])(
    'trains, evaluates and exports what one rank does: $dp_size $tp_size $pp_size',
    async (layout) => {
      const alone = makeRunOf(one);
      const expected = await trainToEnd(alone);
      const run = makeRunOf(layout);
      const events = await trainToEnd(run);
      closeTo(losses(events), losses(expected), 1e-5);
      closeTo(evaluations(events), evaluations(expected), 1e-5);
      const adapter = exported(run, LAST);
      const reference = exported(alone, LAST);
      expect([...adapter.keys()].sort()).toEqual([...reference.keys()].sort());
      for (const [name, values] of reference)
        for (const [i, value] of values.entries())
          expect(Math.abs((adapter.get(name)?.[i] ?? Number.NaN) - value), name).toBeLessThan(1e-4);
    },
  );

  const moves: [Layout, Layout, SpecPatch][] = [
    [one, grid, settings],
    [grid, one, full],
    [data, weights, full],
    [weights, model, full],
    ...(whole
      ? ([
          [model, data, settings],
          [grid, data, full],
          [one, model, full],
        ] as [Layout, Layout, SpecPatch][])
      : []),
  ];
  it.each(moves.map(([from, to, spec]) => ({ from, to, spec, title: `${nameOf(from)} to ${nameOf(to)}` })))(
    'a run goes on under another layout: $title',
    async ({ from, to, spec }) => {
      const straight = await trainToEnd(makeRunOf(one, spec));
      const run = makeRunOf(from, spec);
      await trainToEnd(run);
      rmSync(join(run, 'checkpoints', LAST), { recursive: true });
      layOut(run, to);
      const resumed = await trainToEnd(run, HALF);
      closeTo(losses(resumed).slice(TOTAL), losses(straight).slice(4), 1e-5);
    },
  );

  it('a run goes on under the same layout bit for bit', async () => {
    const run = makeRunOf(grid);
    await trainToEnd(run);
    const folder = join(run, 'checkpoints', LAST);
    const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(4);
    const straight = files.map((name) => fileBytes(folder, name));
    rmSync(folder, { recursive: true });
    await trainToEnd(run, HALF);
    expect(readdirSync(folder).filter((name) => name.endsWith('.safetensors'))).toEqual(files);
    for (const [i, name] of files.entries()) expect(fileBytes(folder, name) === straight[i], name).toBe(true);
  });

  it.each([
    ['a part of a tensor', model, /Tensor model\.layers\..* is not complete/],
    [
      'a whole tensor',
      { pp_size: 2 },
      /No file of .*\.rank-\*\.safetensors has tensor .* of a rank is missing/,
    ],
  ])('a checkpoint is refused when the missing file of a rank has %s', async (_, layout: Layout, message) => {
    const run = makeRunOf(layout);
    await trainToEnd(run);
    rmSync(join(run, 'checkpoints', LAST, 'adapter.rank-001.safetensors'));
    const failed = await new TrainProcess(run, LAST).ended;
    expect(failed.code).not.toBe(0);
    const errors = payloads(wholeRun(run), 'error');
    expect(errors.at(-1)?.payload).toMatchObject({ code: 'checkpoint.truncated' });
    expect(errors.at(-1)?.payload.message).toMatch(message);
  });

  it(`a rank that is killed at random leaves no process and no broken checkpoint, ${whole ? 20 : 4} times`, async () => {
    const next = uniform(7);
    const run = makeRunOf(model, {
      ...settings,
      duration: { unit: 'steps', value: 100_000 },
      checkpoint: { every_steps: 2, keep: 3 },
    });
    let newest: string | undefined;
    for (let round = 0; round < (whole ? 20 : 4); round++) {
      const training = new TrainProcess(run, newest);
      const from = newest === undefined ? 0 : Number(newest.slice(5));
      await training.event('step', (event) => event.step >= from + 3 + Math.floor(next() * 6));
      const ranks = processesOf(run);
      expect(ranks.length).toBe(4);
      process.kill(ranks[Math.floor(next() * 4)] as number, 'SIGKILL');
      expect((await training.ended).code).not.toBe(0);
      await expect.poll(() => processesOf(run), { timeout: 5000 }).toEqual([]);
      newest = checkpoints(run).findLast((name) => existsSync(join(run, 'checkpoints', name, 'DONE')));
      expect(Number(newest?.slice(5))).toBeGreaterThan(from);
      expect(exported(run, newest as string).size).toBeGreaterThan(0);
    }
  });
});

/** Events of all ranks. */
function wholeRun(run: string): RunEvent[] {
  return readdirSync(join(run, 'events')).flatMap((name) =>
    readFileSync(join(run, 'events', name), 'utf8')
      .split('\n')
      .filter((line) => line.length > 0)
      .map((line) => JSON.parse(line) as RunEvent),
  );
}
