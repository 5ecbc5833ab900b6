/** Judging by an endpoint, against a server on this machine: whatever it does, every answer gets a score or a reason, in bounded time. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { trustTexts } from '../../../electron/cli/trust-kinds.ts';
import { AllowedJudges } from '../../../electron/server/judge/allowed.ts';
import { type JudgeContext, judgeAnswers, missingText } from '../../../electron/server/judge/judge.ts';
import { accessOf, type JudgeEndpoint, judgeSchema } from '../../../electron/shared/spec/judge.ts';
import { answers, type Conduct, floods, hangs, JudgeServer, says } from '../../support/judge-server.ts';

const KEY = 'sk-very-secret-0123456789';
let home: string;
let judge: JudgeServer;
let others: JudgeServer[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-judge-'));
  others = [];
  process.env.COLLIE_TEST_JUDGE_KEY = KEY;
});
afterEach(async () => {
  await Promise.all([judge, ...others].map((one) => one?.stop()));
  rmSync(home, { recursive: true, force: true });
  delete process.env.COLLIE_TEST_JUDGE_KEY;
});

const rows = (count: number) =>
  Array.from({ length: count }, (_, k) => ({ question: `q${k}`, reference: `r${k}`, answer: `a${k}` }));

async function judged(
  given: object,
  conducts: Conduct[],
  { count = 1, allow = true, ...context }: Partial<JudgeContext> & { count?: number; allow?: boolean } = {},
) {
  judge = await JudgeServer.start(...conducts);
  const spec = judgeSchema.parse({ type: 'endpoint', url: judge.url, model: 'm', ...given }) as JudgeEndpoint;
  if (allow) new AllowedJudges(home).add(accessOf(spec));
  const { signal } = new AbortController();
  return judgeAnswers(spec, rows(count), { home, signal, backoffMs: () => 5, ...context });
}

test('a good judge: every answer has its score and its reason, asked with question, reference and answer', async () => {
  const lines: string[] = [];
  const done: number[] = [];
  const found = await judged(
    { key_env: 'COLLIE_TEST_JUDGE_KEY' },
    [says(({ prompt }) => `It is right.\n<score>${/a(\d)/.exec(prompt)?.[1]}</score>`)],
    { count: 9, log: (line) => lines.push(line), progress: (k) => done.push(k) },
  );
  // a0 is outside of 1 to 10.
  expect(found.slice(1)).toEqual(
    Array.from({ length: 8 }, (_, k) => ({ score: k + 1, remark: `Judge: ${k + 1} of 10. It is right.` })),
  );
  expect(found[0]?.score).toBeNull();
  expect(found[0]?.remark).toMatch(/^Not judged: the judge gave the score "0"/);
  const [first] = judge.asked;
  expect(first?.authorization).toBe(`Bearer ${KEY}`);
  expect(first?.body).toMatchObject({ model: 'm', temperature: 0, stream: false });
  expect(first?.prompt).toMatch(/q0[\s\S]*r0[\s\S]*a0[\s\S]*<score>7<\/score>$/);
  expect(done.at(-1)).toBe(9);
  expect(lines.join()).not.toContain(KEY);
});

test('in JSON, with yes and no, without a temperature', async () => {
  const found = await judged(
    { form: 'json', scale: 'yes_no', temperature: null, concurrency: 1 },
    [says('{"reason": "So it is.", "score": "yes"}'), says('```json\n{"score": false}\n```')],
    { count: 2 },
  );
  expect(found).toEqual([
    { score: 1, remark: 'Judge: yes. So it is.' },
    { score: 0, remark: 'Judge: no.' },
  ]);
  expect(judge.asked[0]?.body).toMatchObject({ response_format: { type: 'json_object' } });
  expect(judge.asked[0]?.body).not.toHaveProperty('temperature');
  expect(judge.asked[0]?.authorization).toBeUndefined();
});

test('429 and 503, then good: asked again after what the server says', async () => {
  const started = performance.now();
  const found = await judged({}, [
    answers(429, '', { 'retry-after': '0.3' }),
    answers(503),
    says('<score>4</score>'),
  ]);
  expect(found).toEqual([{ score: 4, remark: 'Judge: 4 of 10.' }]);
  expect(judge.asked).toHaveLength(3);
  expect(performance.now() - started).toBeGreaterThan(290);
});

test('429 for ever ends with the tries', async () => {
  const found = await judged({ retries: 2 }, [answers(429, '{"error": {"message": "slow down"}}')]);
  expect(found[0]).toEqual({ score: null, remark: 'Not judged: the judge answered 429 (slow down).' });
  expect(judge.asked).toHaveLength(3);
});

test('one that wants to be asked in an hour is given up when the time is over', async () => {
  const found = await judged({ limit_seconds: 1 }, [answers(429, '', { 'retry-after': '3600' })], {
    count: 20,
  });
  expect(new Set(found.map(({ remark }) => remark))).toEqual(
    new Set(['Not judged: the time for all answers, 1 seconds, was over.']),
  );
  expect(judge.asked.length).toBeLessThanOrEqual(4);
});

describe('garbage is no score, and is not asked about again', () => {
  test.each([
    ['no JSON', answers(200, '<html>'), /sent no JSON/],
    ['no completion', answers(200, '{"choices": []}'), /sent no chat completion/],
    ['a number without its tag', says('I give it 7 of 10.'), /gave no <score>/],
    ['a score off the scale', says('<score>11</score>'), /score "11", which is not a number from 1/],
    ['words in the tag', says('<score>very good</score>'), /score "very good"/],
    ['nothing', says('<think>7? <score>7</score></think>'), /gave an empty answer/],
    ['a request that it does not take', answers(400, '{"error": "too long"}'), /answered 400 \(too long\)/],
  ])('%s', async (_, conduct, remark) => {
    const [found] = await judged({}, [conduct]);
    expect(found?.score).toBeNull();
    expect(found?.remark).toMatch(remark);
    expect(judge.asked).toHaveLength(1);
  });
});

test('one that hangs is left after its time', async () => {
  const [found] = await judged({ timeout_seconds: 1, retries: 0 }, [hangs]);
  expect(found).toEqual({ score: null, remark: 'Not judged: the judge gave no answer in 1 seconds.' });
});

test('one that floods is read no further than a limit, and the others are judged', async () => {
  const found = await judged({ concurrency: 1 }, [floods, says('<score>3</score>')], { count: 3 });
  expect(found.map(({ score }) => score)).toEqual([null, 3, 3]);
  expect(found[0]?.remark).toBe('Not judged: the judge sent more than 1 MiB.');
});

test('a wrong key ends the asking; the key is in no remark', async () => {
  const wrong = answers(401, JSON.stringify({ error: { message: `Incorrect API key provided: ${KEY}` } }));
  const found = await judged({ key_env: 'COLLIE_TEST_JUDGE_KEY', concurrency: 1 }, [wrong], { count: 50 });
  expect(judge.asked).toHaveLength(1);
  expect(new Set(found.map(({ remark }) => remark))).toEqual(
    new Set(['Not judged: the judge answered 401 (Incorrect API key provided: [the key]).']),
  );
});

test('a redirect to another origin is not followed, with rows or without', async () => {
  const elsewhere = await JudgeServer.start(says('<score>9</score>'));
  others.push(elsewhere);
  const away = answers(307, '', { location: `${elsewhere.url}/chat/completions` });
  const found = await judged({ key_env: 'COLLIE_TEST_JUDGE_KEY' }, [away], { count: 10 });
  expect(found.every(({ score }) => score === null)).toBe(true);
  expect(found[0]?.remark).toBe(
    `Not judged: the judge redirects to ${elsewhere.origin}, which is not followed.`,
  );
  expect(elsewhere.asked).toEqual([]);
});

test('a judge that is not there is not asked a thousand times', async () => {
  judge = await JudgeServer.start(hangs);
  const { url } = judge;
  await judge.stop();
  const spec = judgeSchema.parse({ type: 'endpoint', url, model: 'm', retries: 1 }) as JudgeEndpoint;
  new AllowedJudges(home).add(accessOf(spec));
  const tries = vi.fn(() => 1);
  const { signal } = new AbortController();
  const found = await judgeAnswers(spec, rows(1000), { home, signal, backoffMs: tries });
  expect(found).toHaveLength(1000);
  expect(found.every(({ remark }) => /could not be reached/.test(remark))).toBe(true);
  expect(tries.mock.calls.length).toBeLessThan(10);
  judge = await JudgeServer.start(hangs);
});

test('a run that ends does not wait for it', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const found = await judged({ timeout_seconds: 600 }, [hangs], { count: 5, signal: stop.signal });
  expect(found.every(({ remark }) => remark === 'Not judged: the evaluation was ended before.')).toBe(true);
});

describe('what is not allowed', () => {
  test('gets no row, and it is said what to do', async () => {
    const [found] = await judged({}, [says('<score>9</score>')], { allow: false });
    expect(found?.remark).toBe(
      `Not judged: the judge at ${judge.origin} is not allowed (collie judges allow).`,
    );
    expect(judge.asked).toEqual([]);
  });

  test('another key for an origin that is allowed is not allowed with it', async () => {
    await judged({}, [says('<score>9</score>')]);
    const spec = judgeSchema.parse({ type: 'endpoint', url: judge.url, model: 'm', key_env: 'HOME' });
    const { signal } = new AbortController();
    const before = judge.asked.length;
    const [found] = await judgeAnswers(spec as JudgeEndpoint, rows(1), { home, signal });
    expect(found?.remark).toMatch(/with the key in HOME is not allowed/);
    expect(judge.asked).toHaveLength(before);
  });
});

test('without the variable of the key nothing is sent', async () => {
  const [found] = await judged({ key_env: 'COLLIE_TEST_NO_SUCH_KEY' }, [says('<score>9</score>')]);
  expect(found?.remark).toMatch(/variable COLLIE_TEST_NO_SUCH_KEY with the key of the judge is not set/);
  expect(judge.asked).toEqual([]);
});

test('what was allowed holds no key, and is listed and forgotten by its origin', () => {
  const allowed = new AllowedJudges(home);
  allowed.add({ origin: 'https://a.example', keyEnv: 'COLLIE_TEST_JUDGE_KEY' });
  allowed.add({ origin: 'https://a.example', keyEnv: null });
  const [name = ''] = readdirSync(join(home, 'allowed-judges'));
  expect(readFileSync(join(home, 'allowed-judges', name), 'utf8')).not.toContain(KEY);
  expect(allowed.list()).toHaveLength(2);
  expect(allowed.forget(trustTexts.judges.meant('https://b.example'))).toEqual([]);
  expect(allowed.forget(trustTexts.judges.meant('https://a.example/v1'))).toHaveLength(2);
  expect(allowed.has({ origin: 'https://a.example', keyEnv: null })).toBe(false);
});

test('reasons are counted, the most frequent first', () => {
  const no = (why: string) => ({ score: null, remark: `Not judged: ${why}.` });
  expect(missingText([{ score: 1, remark: 'Judge: yes.' }])).toBeNull();
  expect(missingText([no('a'), { score: 1, remark: '' }, no('b'), no('b')])).toEqual({
    message: '3 of 4 answers were not judged.',
    cause: '2 times: b. 1 times: a.',
  });
});
