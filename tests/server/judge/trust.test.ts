/** Judges before a run: what is refused, in which words, and what the check of a spec says of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { allowing } from '../../../electron/cli/trust.ts';
import { readCallback } from '../../../electron/server/callbacks/source.ts';
import { notTrusted } from '../../../electron/server/callbacks/trust.ts';
import { createHost, type Host } from '../../../electron/server/host.ts';
import { AllowedJudges, judgesOf } from '../../../electron/server/judge/allowed.ts';
import { readStatus, writeJsonAtomic } from '../../../electron/server/runs/folder.ts';
import { checkJudges } from '../../../electron/server/spec/check-judges.ts';
import type { Findings } from '../../../electron/server/spec/context.ts';
import { checkSchema } from '../../../electron/server/spec/schema-issues.ts';
import { toErrorInfo } from '../../../electron/shared/errors.ts';
import { type RunSpec, runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { exampleSpec } from '../../supervisor/harness.ts';

let home: string;
let host: Host;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-judges-'));
  host = createHost({ home, shell: 'browser', paths: 'any' });
});
afterEach(async () => {
  await host.close();
  rmSync(home, { recursive: true, force: true });
});

const judge = (url: string, more: object = {}) => ({ type: 'endpoint', url, model: 'm', ...more });
const specWith = (judges: object[], more: object = {}): RunSpec =>
  runSpecSchema.parse({
    ...exampleSpec(home),
    ...more,
    evaluation: {
      sets: judges.map((one, k) => ({
        ...{ name: `set-${k}`, data: '/x.jsonl' },
        evaluator: { type: 'generation', judge: one },
      })),
    },
  });

test('the refusal names each origin and key, and the next step', () => {
  const spec = specWith([
    judge('http://127.0.0.1:8080/v1'),
    judge('http://127.0.0.1:8080/other'),
    judge('https://api.example/v1', { key_env: 'MY_KEY' }),
    { type: 'none' },
  ]);
  expect(judgesOf([spec])).toEqual([
    { origin: 'http://127.0.0.1:8080', keyEnv: null, model: 'm', sets: ['set-0', 'set-1'] },
    { origin: 'https://api.example', keyEnv: 'MY_KEY', model: 'm', sets: ['set-2'] },
  ]);
  const allowed = new AllowedJudges(home);
  const refusal = () => {
    try {
      allowed.require(spec);
      return null;
    } catch (thrown) {
      return toErrorInfo(thrown);
    }
  };
  expect(refusal()).toMatchObject({
    code: 'judge.not_allowed',
    message: expect.stringMatching(
      /the judge at http:\/\/127\.0\.0\.1:8080 and at https:\/\/api\.example with the key in MY_KEY, which you have not allowed/,
    ),
    hint: expect.stringMatching(
      /--allow-judge http:\/\/127\.0\.0\.1:8080 --allow-judge https:\/\/api\.example/,
    ),
  });
  allowed.add({ origin: 'http://127.0.0.1:8080', keyEnv: null });
  expect(refusal()?.data.judges).toMatchObject([{ origin: 'https://api.example' }]);
  allowed.add({ origin: 'https://api.example', keyEnv: null });
  expect(refusal()?.data.judges).toMatchObject([{ origin: 'https://api.example' }]);
  allowed.add({ origin: 'https://api.example', keyEnv: 'MY_KEY' });
  expect(refusal()).toBeNull();
});

test('a run that came here with its folder is not resumed before its judge is allowed', async () => {
  const { runs } = host.services;
  const id = runs.create(specWith([judge('http://127.0.0.1:1/v1')]));
  const dir = runs.dir(id);
  writeJsonAtomic(join(dir, 'status.json'), { ...readStatus(dir), state: 'stopped' });
  const refused = { code: 'judge.not_allowed' };
  await expect(host.call('runs.resume', { id, checkpoint: '' })).rejects.toMatchObject(refused);
  await expect(host.call('queue.retry', { id })).rejects.toMatchObject(refused);
  await expect(runs.start(id)).rejects.toMatchObject(refused);
});

test('the command line allows what --allow-judge names, and no other', async () => {
  const spec = specWith([judge('http://127.0.0.1:1/v1', { key_env: 'HOME' })]);
  const start = vi.fn(async () => host.services.judges.require(spec));
  const tried = (...allowJudge: string[]) => allowing(host, { allowJudge, json: true }, start);
  await expect(tried()).rejects.toMatchObject({ code: 'judge.not_allowed' });
  await expect(tried('http://127.0.0.1:2')).rejects.toMatchObject({ code: 'judge.not_allowed' });
  await expect(tried('127.0.0.1:1')).rejects.toMatchObject({ code: 'request.invalid' });
  expect(host.services.judges.list()).toEqual([]);
  await tried('http://127.0.0.1:1/v1');
  expect(host.services.judges.list()).toMatchObject([{ origin: 'http://127.0.0.1:1', keyEnv: 'HOME' }]);
});

test('a callback and a judge of one spec are both allowed by their options, and neither without', async () => {
  const path = join(home, 'mine.mjs');
  writeFileSync(path, 'export default {};');
  const spec = specWith([judge('http://127.0.0.1:1/v1')]);
  const { callbacks, judges } = host.services;
  const start = async () => {
    // Without loading it, which takes a process of compiled sources.
    const source = readCallback(path);
    if (!callbacks.trusted.has(source)) throw notTrusted([source]);
    judges.require(spec);
    return 'started';
  };
  const allowJudge = ['http://127.0.0.1:1'];
  await expect(allowing(host, { json: true, allowJudge }, start)).rejects.toMatchObject({
    code: 'callback.not_trusted',
  });
  expect(judges.list()).toEqual([]);
  await expect(allowing(host, { json: true, trustCallbacks: true }, start)).rejects.toMatchObject({
    code: 'judge.not_allowed',
  });
  expect(callbacks.trusted.list()).toMatchObject([{ path }]);
  expect(await allowing(host, { json: true, trustCallbacks: true, allowJudge }, start)).toBe('started');
});

test('only an origin can be allowed', async () => {
  const allow = (origin: string) => host.call('judges.allow', { judges: [{ origin, keyEnv: null }] });
  for (const wrong of ['http://a/v1', 'a', 'file:///etc', 'http://me:pw@a'])
    await expect(allow(wrong)).rejects.toMatchObject({ code: 'request.invalid' });
  await allow('https://a');
  expect(host.services.judges.has({ origin: 'https://a', keyEnv: null })).toBe(true);
});

test('the check of a spec says what is not allowed yet, a key that is not there, and ranks that would not wait', () => {
  const found = (given: object, more: object = {}): Findings => {
    const findings: Findings = { issues: [], warnings: [] };
    checkJudges(
      specWith([judge('http://127.0.0.1:1/v1', given)], more),
      { judges: new AllowedJudges(home) },
      findings,
    );
    return findings;
  };
  const at = 'evaluation.sets.0.evaluator.judge';
  expect(found({})).toMatchObject({ issues: [], warnings: [{ path: `${at}.url`, code: 'not_allowed' }] });
  expect(found({ key_env: 'COLLIE_NO_SUCH_KEY' }).issues).toMatchObject([
    { path: `${at}.key_env`, message: expect.stringContaining('COLLIE_NO_SUCH_KEY') },
  ]);
  const ranks = { parallel: { dp_size: 2, hang_timeout: 600 } };
  expect(found({}, ranks).issues).toEqual([]);
  expect(found({ limit_seconds: 600 }, ranks).issues).toMatchObject([{ path: `${at}.limit_seconds` }]);
  expect(found({ limit_seconds: 600 }).issues).toEqual([]);
});

test('what only the schema can tell is told in its words, at its field', () => {
  const { issues } = checkSchema({
    ...exampleSpec(home),
    evaluation: {
      sets: [
        {
          ...{ name: 'a', data: '/x' },
          evaluator: { type: 'generation', judge: judge('10.0.0.1:80', { prompt: 'Grade {question}.' }) },
        },
        { name: 'b' },
      ],
    },
  });
  expect(issues.map(({ path, message, suggestion }) => [path, message, suggestion])).toEqual([
    ['evaluation.sets.0.evaluator.judge.url', expect.stringMatching(/^The address of the judge is no /), ''],
    [
      'evaluation.sets.0.evaluator.judge.prompt',
      'The prompt of the judge has no {answer}.',
      expect.anything(),
    ],
    [
      'evaluation.sets.1.data',
      expect.stringContaining('is missing'),
      'Choose a dataset of the library, or give the path of a file.',
    ],
  ]);
});
