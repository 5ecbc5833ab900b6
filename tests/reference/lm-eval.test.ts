/** Benchmarks' files on the same tiny model by us and by lm-evaluation-harness: every choice's log-likelihood, every row's scores, the metrics. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareEvaluation } from '../../electron/server/datasets/prepare-evaluation.ts';
import { readScoredRows } from '../../electron/server/evaluation/row-records.ts';
import type { EvalRow, ScoredRow } from '../../electron/shared/runs/evaluation-rows.ts';
import { setRecord, setRowsFile } from '../../electron/shared/runs/run-folder.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { Scoring } from '../../electron/supervisor/scoring.ts';
import { payloads, TrainProcess } from '../engine/support.ts';
import { referencePython, runPython } from '../support/python.ts';
import { uniform } from '../support/random.ts';
import { readEvents } from '../support/rank.ts';
import { makeTinyModel } from '../support/tiny-model.ts';

const { python, skip } = await referencePython();
const ROWS = 60;
const TOLERANCE = 1e-6;

interface Theirs {
  metrics: Record<string, number>;
  rows: ({ row: number; likelihoods: number[] } & Record<string, number>)[];
}

const WORDS =
  'water stone which of these the a plant light energy heats moves because Größe naïve 12 3.5% cat don’t 日本 it’s [title] [step] "so" rain, snow; ice'.split(
    ' ',
  );

/** Rows in the public formats, with what is odd in them: marks of WikiHow, white space at ends, letters and numbers as keys, three to five choices. */
function madeRows() {
  const next = uniform(17);
  const below = (n: number) => Math.floor(next() * n);
  const text = (most: number) =>
    Array.from({ length: 1 + below(most) }, () => WORDS[below(WORDS.length)]).join(' ');
  const arc = Array.from({ length: ROWS }, (_, k) => {
    const count = 3 + below(3);
    const label = Array.from({ length: count }, (_, i) => (k % 3 === 0 ? String(i + 1) : 'ABCDE'.charAt(i)));
    const choices = { text: label.map(() => text(8)), label };
    const question = `${text(16)}?${k % 7 === 0 ? ' ' : ''}`;
    return { id: `r-${k}`, question, choices, answerKey: label[below(count)] };
  });
  const hellaswag = Array.from({ length: ROWS }, (_, k) => ({
    ind: k,
    activity_label: text(3),
    ctx_a: `${k % 5 === 0 ? ' [header] How to ' : ''}${text(9)}. [title] ${text(3)}`,
    ctx_b: k % 4 === 0 ? '' : `${k % 3 === 0 ? 'ÉCOLE ' : ''}${text(4)}`,
    ctx: 'not read',
    endings: Array.from({ length: 4 }, () => `${text(9)}.${k % 6 === 0 ? ' ' : ''}`),
    label: k % 2 === 0 ? String(below(4)) : below(4),
  }));
  return { arc, hellaswag: hellaswag.map((row) => ({ ...row, label: String(row.label) })) };
}

describe.skipIf(skip)('benchmarks as lm-evaluation-harness evaluates them', () => {
  const root = mkdtempSync(join(tmpdir(), 'collie-lm-eval-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const run = join(root, 'run');
  let theirs: Record<string, Theirs>;

  beforeAll(async () => {
    const model = makeTinyModel(join(root, 'model'), { dtype: 'F32', tied: false, std: 0.2 });
    const made = madeRows();
    for (const [name, rows] of Object.entries(made))
      writeFileSync(join(root, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const out = join(root, 'theirs.json');
    runPython(python as string, [join(import.meta.dirname, 'lm_eval_tasks.py'), model, root, out]);
    theirs = JSON.parse(readFileSync(out, 'utf8'));
    await evaluate(model);
  }, 600_000);

  /** As host and supervisor do it: data of the run, the engine, scores of what it computed. */
  async function evaluate(model: string) {
    const set = (name: string, normalize: string, task = name) => ({
      ...{ name, task, data: join(root, `${task}.jsonl`) },
      evaluator: { type: 'classification', normalize },
    });
    const spec = runSpecSchema.parse({
      model,
      dataset: { train: 'none', mapping: { kind: 'chat', messages: 'messages' }, unusable_rows: 'refuse' },
      method: { type: 'full' },
      optimizer: { type: 'adamw' },
      precision: 'fp32',
      threads: 1,
      batch: { seq_len: 256, micro_batch_size: 4 },
      evaluation: {
        sets: [set('arc', 'none'), set('hellaswag', 'none'), set('alone', 'mutual_info', 'arc')],
      },
    });
    for (const name of ['data', 'events']) mkdirSync(join(run, name), { recursive: true });
    writeFileSync(join(run, 'spec.json'), JSON.stringify(spec));
    const { signal } = new AbortController();
    await prepareEvaluation(spec, { dataDir: join(run, 'data'), heldOutOf: null, signal });
    const scoring = new Scoring(run, spec, async () => '', {
      log: () => {},
      judging: () => {},
      notJudged: () => {},
    });
    const rank = new TrainProcess(run, undefined, ['evaluate', '--run', run]);
    for (let done = 0; done < spec.evaluation.sets.length; done += 1) {
      await rank.event('evaluated', () => payloads(readEvents(run), 'evaluated').length > done);
      const asked = payloads(readEvents(run), 'evaluated')[done];
      if (!asked) throw new Error('an evaluated set');
      const { command, ...scores } = await scoring.score(asked.payload.set, asked.step, signal);
      expect(scores.problem).toBeUndefined();
      rank.send(command, scores);
    }
    expect(await rank.ended).toMatchObject({ code: 0 });
  }

  function ours(name: string): { rows: ScoredRow[]; about: EvalRow[]; metrics: Record<string, number> } {
    const path = join(run, setRecord(name, 0));
    const about = readFileSync(join(run, setRowsFile(name)), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as EvalRow);
    const told = payloads(readEvents(run), 'eval').find(({ payload }) => payload.set === name);
    return {
      rows: readScoredRows(name, path).rows,
      about,
      metrics: told?.payload.metrics as Record<string, number>,
    };
  }

  const near = (found: number, wanted: number, what: string) =>
    expect(Math.abs(found - wanted), `${what}: ${found} and ${wanted}`).toBeLessThanOrEqual(
      TOLERANCE * Math.max(1, Math.abs(wanted)),
    );

  it.each(['arc', 'hellaswag'])('%s: likelihoods of all choices, scores of all rows, metrics', (name) => {
    const { rows, about, metrics } = ours(name);
    const wanted = theirs[name] as Theirs;
    expect(rows).toHaveLength(ROWS);
    expect(wanted.rows).toHaveLength(ROWS);
    for (const [k, { losses = [], scores }] of rows.entries()) {
      const other = wanted.rows[about[k]?.source_row ?? -1];
      expect(losses.length).toBeGreaterThanOrEqual(3);
      for (const [choice, loss] of losses.entries())
        near(-loss, other?.likelihoods[choice] ?? Number.NaN, `row ${k}, choice ${choice}`);
      expect([scores.accuracy, scores.accuracy_norm], `row ${k}`).toEqual([other?.acc, other?.acc_norm]);
    }
    near(metrics.accuracy ?? Number.NaN, wanted.metrics.acc ?? 0, 'acc');
    near(metrics.accuracy_norm ?? Number.NaN, wanted.metrics.acc_norm ?? 0, 'acc_norm');
  });

  it('acc_mutual_info: labels without the prompt too', () => {
    const { rows, about, metrics } = ours('alone');
    const wanted = theirs.arc as Theirs;
    for (const [k, { losses = [], losses_alone = [], scores }] of rows.entries()) {
      const other = wanted.rows[about[k]?.source_row ?? -1];
      for (const [choice, loss] of [...losses, ...losses_alone].entries())
        near(-loss, other?.likelihoods[choice] ?? Number.NaN, `row ${k}, choice ${choice}`);
      expect(scores.accuracy, `row ${k}`).toBe(other?.acc_mutual_info);
    }
    near(metrics.accuracy ?? Number.NaN, wanted.metrics.acc_mutual_info ?? 0, 'acc_mutual_info');
    // The rows are made so that these are not the same by chance.
    expect(wanted.metrics.acc_mutual_info).not.toBe(wanted.metrics.acc);
  });
});
