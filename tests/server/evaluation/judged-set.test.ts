/** A set with a judge: what it is asked, what counts, and what stands in the record. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scoreGeneration } from '../../../electron/server/evaluation/score-set.ts';
import { metricsOfSet } from '../../../electron/server/evaluation/set-metrics.ts';
import { AllowedJudges } from '../../../electron/server/judge/allowed.ts';
import { readExamples, readHistory } from '../../../electron/server/runs/examples.ts';
import type { Said } from '../../../electron/shared/runs/alarms/alarm.ts';
import type { EvalRow, RawAnswer } from '../../../electron/shared/runs/evaluation-rows.ts';
import { setRawRecord, setRecord, setRowsFile } from '../../../electron/shared/runs/run-folder.ts';
import { evaluationSetSchema } from '../../../electron/shared/spec/evaluation-sets.ts';
import type { RunSpec } from '../../../electron/shared/spec/run-spec.ts';
import { Scoring } from '../../../electron/supervisor/scoring.ts';
import { answers, JudgeServer, says } from '../../support/judge-server.ts';

const rows: EvalRow[] = [0, 1].map((k) => ({
  id: `${k}`.repeat(16),
  conversation: '0'.repeat(16),
  tokens_id: '0'.repeat(16),
  source_row: k,
  tokens: 5,
  answer_bytes: 4,
  messages: [
    { role: 'user', content: `question ${k}` },
    { role: 'assistant', content: `reference ${k}` },
  ],
  references: [`reference ${k}`],
}));
const raw = (perRow: number): RawAnswer[] =>
  rows.flatMap((_, row) =>
    Array.from({ length: perRow }, (_, answer) => ({
      row,
      answer,
      ids: [row, answer],
      finish: 'stop' as const,
    })),
  );
const decode = async (ids: number[]) => `answer ${ids.join('.')}`;

const setWith = (more: object = {}, url = 'http://127.0.0.1:9/v1') =>
  evaluationSetSchema.parse({
    name: 'said',
    data: '/x',
    evaluator: {
      ...{ type: 'generation', metrics: ['exact_match'], judge: { type: 'endpoint', url, model: 'm' } },
      ...more,
    },
  });

describe('scores of a judge', () => {
  it('count for those that it gave; the names are those of the set', async () => {
    const set = setWith({ answers: 2, temperature: 1 });
    if (set.evaluator.type !== 'generation') throw new Error('generation');
    const asked: string[] = [];
    const given = [8, null, 4, null];
    const { metrics, rows: scored } = await scoreGeneration(
      set.evaluator,
      rows,
      raw(2),
      decode,
      async (all) => {
        asked.push(...all.map((one) => `${one.question}|${one.reference}|${one.answer}`));
        return given.map((score) => ({
          score,
          remark: score === null ? 'Not judged: x.' : `Judge: ${score} of 10.`,
        }));
      },
    );
    expect(asked).toEqual([
      'question 0|reference 0|answer 0.0',
      'question 0|reference 0|answer 0.1',
      'question 1|reference 1|answer 1.0',
      'question 1|reference 1|answer 1.1',
    ]);
    expect(metrics).toMatchObject({ judge: 6, judged: 2, not_judged: 2, exact_match: 0 });
    expect(Object.keys(metrics).sort()).toEqual(metricsOfSet(set).sort());
    expect(scored[0]).toMatchObject({ scores: { judge: 8 }, judged: [{ score: 8 }, { score: null }] });
  });

  it('are no number where none was given, and rows without one have none', async () => {
    const set = setWith({ metrics: [] });
    if (set.evaluator.type !== 'generation') throw new Error('generation');
    const none = async () => rows.map(() => ({ score: null, remark: 'Not judged: x.' }));
    const { metrics, rows: scored } = await scoreGeneration(set.evaluator, rows, raw(1), decode, none);
    expect(metrics).toMatchObject({ judge: Number.NaN, judged: 0, not_judged: 2 });
    expect(scored[1]?.scores).toEqual({});
  });
});

describe('the supervisor', () => {
  let home: string;
  let run: string;
  let judge: JudgeServer;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'collie-judged-'));
    run = join(home, 'runs/one');
  });
  afterEach(async () => {
    await judge.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const write = (path: string, lines: readonly object[]) => {
    mkdirSync(dirname(join(run, path)), { recursive: true });
    writeFileSync(join(run, path), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  };
  const evaluated = (step: number) =>
    write(setRawRecord('said', step), [{ v: 1, step, lines: 2 }, ...raw(1)]);

  it('writes scores and reasons into the record, and says once why some are missing', async () => {
    judge = await JudgeServer.start(
      says('Well said. <score>9</score>'),
      answers(400, '{"error": "no"}'),
      answers(401),
    );
    const set = setWith({}, judge.url);
    if (set.evaluator.type !== 'generation' || set.evaluator.judge.type !== 'endpoint')
      throw new Error('judge');
    set.evaluator.judge.concurrency = 1;
    new AllowedJudges(home).add({ origin: judge.origin, keyEnv: null });
    const spec = { evaluation: { sets: [set] } } as RunSpec;
    write(setRowsFile('said'), rows);
    const [said, log]: [Said[], string[]] = [[], []];
    const scoring = new Scoring(run, spec, decode, {
      log: (line) => log.push(line),
      judging: () => {},
      notJudged: (_, one) => said.push(one),
    });
    const { signal } = new AbortController();
    evaluated(0);
    const command = await scoring.score('said', 0, signal);
    expect(command).toMatchObject({ metrics: { judge: 9, judged: 1, not_judged: 1 } });
    evaluated(4);
    expect(await scoring.score('said', 4, signal)).toMatchObject({ metrics: { judge: null, judged: 0 } });
    expect(said).toEqual([
      {
        message: 'Evaluation set "said": 1 of 2 answers were not judged.',
        cause: '1 times: the judge answered 400 (no).',
        advice: expect.stringContaining('evaluate the checkpoint again'),
      },
    ]);
    expect(log.join('\n')).toMatch(/step 4: 2 of 2 answers were not judged. 2 times: the judge answered 401/);
    expect(readFileSync(join(run, setRecord('said', 0)), 'utf8')).toContain('"judge":9');
    const [first] = readExamples(run, spec, { set: 'said', left: null, right: 0 }).rows;
    expect(first?.right).toMatchObject({ scores: { judge: 9 }, remarks: ['Judge: 9 of 10. Well said.'] });
    expect(readHistory(run, 'said', 1).map(({ found }) => found.remarks)).toEqual([
      ['Not judged: the judge answered 400 (no).'],
      ['Not judged: the judge answered 401.'],
    ]);
  });

  it('sends nothing to a judge that was not allowed, whatever made the run', async () => {
    judge = await JudgeServer.start(says('<score>9</score>'));
    const spec = { evaluation: { sets: [setWith({}, judge.url)] } } as RunSpec;
    write(setRowsFile('said'), rows);
    evaluated(0);
    const said: Said[] = [];
    const owner = { log: () => {}, judging: () => {}, notJudged: (_: number, one: Said) => said.push(one) };
    const scoring = new Scoring(run, spec, decode, owner);
    const scored = await scoring.score('said', 0, new AbortController().signal);
    expect(scored).toMatchObject({ metrics: { judge: null, exact_match: 0, not_judged: 2 } });
    expect(said[0]?.cause).toMatch(/is not allowed \(collie judges allow\)/);
    expect(judge.asked).toEqual([]);
  });
});
