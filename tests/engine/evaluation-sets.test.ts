/** Named evaluation sets: computed by the engine, scored by who started it, the same under every layout. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RawAnswer, RawLoss } from '../../electron/shared/runs/evaluation-rows.ts';
import { setPromptsFile, setRawRecord } from '../../electron/shared/runs/run-folder.ts';
import type { RunSpec } from '../../electron/shared/spec/run-spec.ts';
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
  wholeEvents,
} from './support.ts';

const LOSSES = 7;
const PROMPTS = [
  [5, 6, 7, 8],
  [40, 41, 42],
  [9, 10, 11, 12, 13],
  [100, 101],
  [7, 8],
];
const MOST = 6;

const settings: SpecPatch = {
  batch: { micro_batch_size: 1, grad_accum_steps: 4, seq_len: 64 },
  duration: { unit: 'steps', value: 4 },
  evaluation: {
    sets: [
      { name: 'likely', data: '/x', every_steps: 2 },
      { name: 'spoken', data: '/x', evaluator: { type: 'generation', max_new_tokens: MOST, answers: 2 } },
      { name: 'none', data: '/x' },
    ],
  },
};

function make(root: string, spec: SpecPatch = settings): string {
  const run = tinyRun(root, spec, countingDocuments(4, 9));
  writeTokenStore(join(run, 'data'), 'set-likely', countingDocuments(LOSSES, 5));
  writeFileSync(join(run, setPromptsFile('spoken')), JSON.stringify({ stop_ids: [2], prompts: PROMPTS }));
  return run;
}

/** Trains, saying what sets are worth as a supervisor would: the number of evaluations so far. */
async function trainScored(run: string): Promise<number> {
  const train = new TrainProcess(run);
  mkdirSync(join(run, 'events'), { recursive: true });
  let said = 0;
  const asks = () => payloads(wholeEvents(run), 'evaluated');
  const isOver = () => train.child.exitCode !== null || train.child.signalCode !== null;
  for (;;) {
    const next = await Promise.race([
      // Only its end is a reason to wait no more: ranks that are told nothing wait for ever.
      train
        .event('evaluated', () => asks().length > said)
        .catch((error) => {
          if (!isOver()) throw error;
          return null;
        }),
      train.ended,
    ]);
    if (next === null || 'stderr' in next) break;
    const asked = asks();
    for (const { step, payload } of asked.slice(said)) {
      said += 1;
      train.send('scores', { set: payload.set, step, metrics: { worth: said, nothing: null } });
    }
  }
  const { code, stderr } = await train.ended;
  if (code !== 0) throw new Error(`collie-rank ended with ${code}: ${stderr}`);
  return said;
}

function raw<T>(run: string, set: string, step: number): T[] {
  const [, ...lines] = readFileSync(join(run, setRawRecord(set, step)), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

describe.skipIf(noEngine)('named evaluation sets', () => {
  const root = temporaryFolder();

  it('are computed at the start, on schedule and at the end; their metrics are events of the run', async () => {
    const run = make(root);
    expect(await trainScored(run)).toBe(5);
    const told = payloads(readEvents(run), 'eval').filter(({ payload }) => payload.set !== 'eval');
    expect(
      told.map(({ step, payload }) => [payload.set, step, payload.metrics.worth, payload.metrics.nothing]),
    ).toEqual([
      ['likely', 0, 1, null],
      ['spoken', 0, 2, null],
      ['likely', 2, 3, null],
      ['likely', 4, 4, null],
      ['spoken', 4, 5, null],
    ]);
    // A set without a row has no files, and is left out.
    expect(existsSync(join(run, 'evaluations/none'))).toBe(false);
    const losses = raw<RawLoss>(run, 'likely', 4);
    expect(losses.map(({ row }) => row)).toEqual(Array.from({ length: LOSSES }, (_, k) => k));
    expect(losses.every(({ loss, targets }) => loss > 0 && targets > 0)).toBe(true);
    const answers = raw<RawAnswer>(run, 'spoken', 4);
    expect(answers.map(({ row, answer }) => [row, answer])).toEqual(
      PROMPTS.flatMap((_, k) => [
        [k, 0],
        [k, 1],
      ]),
    );
    expect(answers.every(({ ids, finish }) => ids.length === MOST || finish === 'stop')).toBe(true);
    // Without a temperature the answers to a prompt are the same.
    expect(answers[0]?.ids).toEqual(answers[1]?.ids);
    expect(new Set(answers.map(({ ids }) => ids.join())).size).toBeGreaterThan(1);
  });

  it('a set that could not be scored is a warning, and the run goes on', async () => {
    const run = make(root);
    const train = new TrainProcess(run);
    mkdirSync(join(run, 'events'), { recursive: true });
    for (let said = 0; said < 5; said += 1) {
      await train.event('evaluated', () => payloads(wholeEvents(run), 'evaluated').length > said);
      const { step, payload } = payloads(wholeEvents(run), 'evaluated')[said] as {
        step: number;
        payload: { set: string };
      };
      train.send('scores', { set: 'another', step });
      train.send('scores', { set: payload.set, step, problem: 'the disk is full' });
    }
    expect((await train.ended).code).toBe(0);
    const warnings = payloads(readEvents(run), 'warning').map(({ payload }) => payload.message);
    expect(warnings[0]).toBe('The evaluation set likely has no scores at step 0: the disk is full');
    expect(readdirSync(join(run, 'checkpoints'))).toEqual(['step-00000004']);
  });

  it('sampled answers are the same for the same seed', async () => {
    const sampled = (seed: number): SpecPatch => ({
      ...settings,
      duration: { unit: 'steps', value: 1 },
      evaluation: {
        sets: [
          {
            name: 'spoken',
            data: '/x',
            evaluator: { type: 'generation', max_new_tokens: MOST, answers: 3, temperature: 1, seed },
          },
        ],
      },
    });
    const answersOf = async (seed: number) => {
      const run = make(root, sampled(seed));
      await trainScored(run);
      return raw<RawAnswer>(run, 'spoken', 0);
    };
    const [first, again, other] = [await answersOf(1), await answersOf(1), await answersOf(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first[0]?.ids).not.toEqual(first[1]?.ids);
  });

  it.skipIf(noMpi)('are those of one rank under every layout', { timeout: 600_000 }, async () => {
    Object.assign(process.env, mpirunEnvironment);
    const one = make(root);
    await trainScored(one);
    const layouts: Partial<RunSpec['parallel']>[] = [
      { dp_size: 2 },
      { dp_size: 4 },
      { dp_size: 2, zero_stage: 3 },
      { tp_size: 2 },
      { pp_size: 2 },
      { dp_size: 2, tp_size: 2, zero_stage: 1 },
    ];
    for (const layout of layouts) {
      const run = make(root);
      layOut(run, layout);
      await trainScored(run);
      const name = JSON.stringify(layout);
      // Before the first step, the weights are the same bits.
      expect(raw<RawAnswer>(run, 'spoken', 0), name).toEqual(raw<RawAnswer>(one, 'spoken', 0));
      const [found, wanted] = [raw<RawLoss>(run, 'likely', 0), raw<RawLoss>(one, 'likely', 0)];
      const exact = (layout.tp_size ?? 1) === 1;
      if (exact) expect(found, name).toEqual(wanted);
      for (const [k, { loss, row, targets, correct }] of found.entries()) {
        expect({ row, targets, correct }, name).toEqual({
          row: k,
          targets: wanted[k]?.targets,
          correct: wanted[k]?.correct,
        });
        expect(Math.abs(loss / (wanted[k]?.loss ?? 0) - 1), name).toBeLessThan(1e-5);
      }
      expect(raw<RawLoss>(run, 'likely', 4)).toHaveLength(LOSSES);
    }
  });
});
