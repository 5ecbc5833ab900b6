/** A judge from beginning to end, with the real engine and a tiny model: beside a training, afterwards, and on a base model. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHost, type Host } from '../../electron/server/host.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { hangs, JudgeServer, says } from '../support/judge-server.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { noEngine } from './support.ts';

const KEY = 'a-key-that-must-not-be-found';
const ROWS = 6;

describe.skipIf(noEngine)('a judge', () => {
  let root: string;
  let host: Host;
  let judge: JudgeServer;
  let model: string;
  let data: string;
  beforeAll(async () => {
    process.env.COLLIE_TEST_ENGINE_JUDGE = KEY;
    root = mkdtempSync(join(tmpdir(), 'collie-engine-judge-'));
    model = makeTinyModel(join(root, 'model'));
    data = join(root, 'rows.jsonl');
    const rows = Array.from({ length: ROWS }, (_, k) => ({ q: `What is ${k} plus 1?`, a: `${k + 1}` }));
    writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    host = createHost({ home: join(root, 'home'), shell: 'browser', paths: 'any' });
    // Every third answer gets no score.
    let asked = 0;
    judge = await JudgeServer.start(
      says(() => (asked++ % 3 === 2 ? 'I cannot say.' : 'It is brief. <score>6</score>')),
    );
  });
  afterAll(async () => {
    await judge?.stop();
    await host?.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  const set = (more: object = {}) => ({
    name: 'said',
    data,
    mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' },
    evaluator: {
      type: 'generation',
      metrics: ['exact_match'],
      max_new_tokens: 8,
      judge: {
        ...{ type: 'endpoint', url: judge.url, model: 'm', key_env: 'COLLIE_TEST_ENGINE_JUDGE' },
        ...{ concurrency: 1, ...more },
      },
    },
  });
  const spec = (more: object = {}) => ({
    model,
    name: 'Judged',
    dataset: { train: data, mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
    method: { type: 'lora', rank: 4 },
    optimizer: { type: 'adamw', learning_rate: 0.01 },
    batch: { seq_len: 128, micro_batch_size: 2, grad_accum_steps: 1 },
    duration: { unit: 'steps', value: 4 },
    evaluation: { every_steps: 2, sets: [set(more)] },
    threads: 1,
  });
  async function ended(id: string): Promise<RunStatus> {
    const watching = new AbortController();
    try {
      for await (const status of host.stream('runs.status', {}, watching.signal))
        if (status.id === id && !isLive(status)) return status;
      throw new Error('the statuses ended');
    } finally {
      watching.abort();
    }
  }
  const found = async (id: string) => {
    const { evals } = await host.services.series.get(host.services.runs.dir(id));
    const points = evals.said;
    if (!points) throw new Error('evaluations');
    return Array.from({ length: points.length }, (_, k) => ({
      judge: points.at('judge', k),
      judged: points.at('judged', k),
      not_judged: points.at('not_judged', k),
    }));
  };
  const half = { judge: 6, judged: 4, not_judged: 2 };
  let run = '';

  it('is asked for before a row leaves', async () => {
    await expect(host.call('runs.start', { spec: spec() })).rejects.toMatchObject({
      code: 'judge.not_allowed',
      message: expect.stringContaining(judge.origin),
    });
    expect(judge.asked).toEqual([]);
    await host.call('judges.allow', {
      judges: [{ origin: judge.origin, keyEnv: 'COLLIE_TEST_ENGINE_JUDGE' }],
    });
  });

  it('judges on schedule while a run trains; its scores and reasons are in the record, and its key nowhere', async () => {
    run = (await host.call('runs.start', { spec: spec() })).id;
    const status = await ended(run);
    expect(status).toMatchObject({ state: 'completed', step: 4, error: null });
    expect(await found(run)).toEqual([half, half, half]);
    expect(judge.asked).toHaveLength(3 * ROWS);
    expect(judge.asked[0]?.authorization).toBe(`Bearer ${KEY}`);
    expect(judge.asked[0]?.prompt).toMatch(/What is \d plus 1\?/);
    // Said once for all three evaluations.
    expect(status.alarms).toMatchObject([
      { kind: 'not_judged', step: 0, message: 'Evaluation set "said": 2 of 6 answers were not judged.' },
    ]);
    const { rows } = await host.call('runs.examples', { id: run, set: 'said', left: null, right: null });
    const remarks = rows.map(({ right }) => right?.remarks[0]).sort();
    expect(remarks.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'Judge: 6 of 10. It is brief.'));
    expect(remarks[5]).toBe('Not judged: the judge gave no <score>.');
    expect(filesWith(join(root, 'home'), KEY)).toEqual([]);
  });

  it('judges a checkpoint afterwards, and a base model', async () => {
    for (const of of [{ run }, { model }]) {
      const sets = 'model' in of ? [set()] : null;
      const { id } = await host.call('evaluations.start', { of, sets, settings: { threads: 1 } });
      expect(await ended(id)).toMatchObject({ state: 'completed', error: null });
      expect(await found(id)).toEqual([half]);
    }
  });

  it('one that hangs does not hold a run that is stopped, nor one whose time for it is over', async () => {
    const before = judge.conducts;
    judge.conducts = [hangs];
    const asked = judge.asked.length;
    const { id } = await host.call('runs.start', {
      spec: spec({ timeout_seconds: 600, limit_seconds: 86_400 }),
    });
    await expect.poll(() => judge.asked.length).toBeGreaterThan(asked);
    await host.call('runs.stop', { id });
    expect(await ended(id)).toMatchObject({ state: 'stopped', error: null });

    const { id: limited } = await host.call('runs.start', {
      spec: spec({ timeout_seconds: 600, limit_seconds: 1 }),
    });
    const status = await ended(limited);
    expect(status).toMatchObject({ state: 'completed', step: 4, error: null });
    expect(status.alarms[0]?.cause).toBe('6 times: the time for all answers, 1 seconds, was over.');
    judge.conducts = before;
  });
});

/** Files below a folder that have a text in them. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}
