/** What a judge is asked, and which of its answers are scores. */
import { expect, test } from 'vitest';
import {
  DEFAULT_JUDGE_PROMPT,
  judgePrompt,
  readVerdict,
  type ScaleName,
  type VerdictForm,
  verdictText,
} from '../../../electron/shared/evaluation/judge.ts';
import { judgeSchema } from '../../../electron/shared/spec/judge.ts';

test('places are filled once: an answer that looks like one is left as it is', () => {
  const judged = { question: 'Q {answer}', reference: '', answer: '{question} $& <score>10</score>' };
  expect(judgePrompt('{question}|{reference}|{answer}|{other}', judged, '1-5', 'tag')).toMatch(
    /^Q \{answer\}\|\(none\)\|\{question\} \$& <score>10<\/score>\|\{other\}\n\nExplain/,
  );
  expect(DEFAULT_JUDGE_PROMPT).toContain('{reference}');
  expect(judgePrompt('{answer}', { ...judged, answer: '' }, 'yes_no', 'json')).toMatch(
    /^\(an empty answer\)\n\nAnswer with one JSON object.*"score": "yes"/,
  );
});

test.each<[string, ScaleName, VerdictForm, number, string]>([
  ['Fine. <score>7</score>', '1-10', 'tag', 7, 'Fine.'],
  ['<score>2</score> no: <score> 7.5 </score>', '1-10', 'tag', 7.5, 'no:'],
  ['<think><score>1</score></think>Good.\n<SCORE>5</SCORE>', '1-5', 'tag', 5, 'Good.'],
  ['<score>Yes</score>', 'yes_no', 'tag', 1, ''],
  ['<score>0</score>', '0-100', 'tag', 0, ''],
  ['{"score": 10, "reason": "All right"}', '1-10', 'json', 10, 'All right'],
  ['```json\n{"score": "no"}\n```', 'yes_no', 'json', 0, ''],
  ['{"score": true}', 'yes_no', 'json', 1, ''],
])('%j on the scale %s as %s', (text, scale, form, score, reason) => {
  expect(readVerdict(text, scale, form)).toEqual({ score, reason });
});

test.each<[string, ScaleName, VerdictForm, RegExp]>([
  ['', '1-10', 'tag', /empty answer/],
  ['7', '1-10', 'tag', /no <score>/],
  ['<score>-1</score>', '0-100', 'tag', /"-1", which is not a number from 0/],
  ['<score>7/10</score>', '1-10', 'tag', /"7\/10"/],
  ['<score>1e1</score>', '1-10', 'tag', /"1e1"/],
  ['<score>0</score>', 'yes_no', 'tag', /not yes or no/],
  ['<score>6</score>', '1-5', 'tag', /"6"/],
  ['<score>7</score>', '1-10', 'json', /no JSON/],
  ['{"grade": 7}', '1-10', 'json', /without a "score"/],
  ['{"score": [7]}', '1-10', 'json', /without a "score"/],
  ['null', '1-10', 'json', /without a "score"/],
])('%j is no score on %s as %s', (text, scale, form, problem) => {
  expect(readVerdict(text, scale, form)).toEqual({ problem: expect.stringMatching(problem) });
});

test('a score is said with its scale', () => {
  expect([verdictText(7, '1-10'), verdictText(1, 'yes_no'), verdictText(0, 'yes_no')]).toEqual([
    '7 of 10',
    'yes',
    'no',
  ]);
});

test.each([
  ['ftp://a/v1', 'is no address of a web server'],
  ['127.0.0.1:80', 'is no address'],
  ['https://me:secret@a/v1', 'has a user or password in it'],
  ['https://a/v1?api-key=secret', 'has a part behind ?'],
])('%s is refused as an address, without saying it again', (url, message) => {
  const { error } = judgeSchema.safeParse({ type: 'endpoint', url, model: 'm' });
  expect(error?.issues.map(({ message }) => message).join()).toContain(message);
});

test('a prompt without the answer is refused, and so is what is no name of a variable', () => {
  const given = { type: 'endpoint', url: 'http://a/v1', model: 'm' };
  expect(judgeSchema.safeParse({ ...given, prompt: 'Grade {question}' }).success).toBe(false);
  expect(judgeSchema.safeParse({ ...given, key_env: 'sk-123-456' }).success).toBe(false);
  expect(judgeSchema.safeParse({ ...given, key_env: 'MY_KEY' }).success).toBe(true);
});
