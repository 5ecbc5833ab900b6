/** Every metric against what its reference package says (tests/fixtures/evaluation/make_metrics.py). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schemaValidator } from '../../../electron/server/evaluation/json-schema.ts';
import {
  finalNumber,
  matchesSchema,
  numberMatch,
  passAtK,
  validJson,
} from '../../../electron/shared/evaluation/answers.ts';
import {
  accuracy,
  averagedScores,
  type Choice,
  calibrationError,
  confusionMatrix,
  labelScores,
  type Scores,
} from '../../../electron/shared/evaluation/classification.ts';
import {
  addLikelihood,
  bitsPerByte,
  type LikelihoodSums,
  perplexity,
  tokenAccuracy,
} from '../../../electron/shared/evaluation/likelihood.ts';
import {
  type Answer,
  scoreAnswer,
  scoreAnswers,
  textMetric,
  textMetrics,
} from '../../../electron/shared/evaluation/text-metrics.ts';

type Numbers = Record<string, number>;
type Each = { precision: number[]; recall: number[]; fBeta: number[] };
type Case = {
  labels: number;
  choices: Choice[];
  accuracy: number;
  matrix: number[][];
  ece: Numbers;
} & Record<string, unknown>;
const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/evaluation/metrics.json', import.meta.url), 'utf8'),
) as {
  texts: { rows: (Answer & { scores: Numbers })[]; sets: { begin: number; end: number; scores: Numbers }[] };
  classification: Case[];
  schemas: { schema: object; answers: { text: string; valid: boolean }[] };
  passAtK: { n: number; right: number; k: number; value: number }[];
  likelihood: { rows: LikelihoodSums[]; perplexity: number; token_accuracy: number; bits_per_byte: number };
};

const TOLERANCE = 1e-9;
function expectClose(found: number, wanted: number, what: string): void {
  expect(Math.abs(found - wanted), `${what}: ${found} where the reference says ${wanted}`).toBeLessThan(
    TOLERANCE,
  );
}

test('an answer scores as sacreBLEU, rouge-score and SQuAD have it', () => {
  expect(fixture.texts.rows.length).toBeGreaterThan(50);
  for (const row of fixture.texts.rows) {
    const scores = scoreAnswer(Object.keys(row.scores), row, {});
    for (const [name, wanted] of Object.entries(row.scores))
      expectClose(scores[name] as number, wanted, `${name} of ${JSON.stringify(row.text)}`);
  }
});

test('BLEU and chrF of a set are those of all its answers together', () => {
  for (const { begin, end, scores } of fixture.texts.sets) {
    const found = scoreAnswers(Object.keys(scores), fixture.texts.rows.slice(begin, end), {});
    for (const [name, wanted] of Object.entries(scores)) expectClose(found[name] as number, wanted, name);
  }
});

test('a metric without a rule for sets is the mean; of no answers there is none', () => {
  const answers = [
    { text: 'yes', references: ['yes'] },
    { text: 'no', references: ['yes'] },
    { text: ' yes\n', references: ['no', 'yes'] },
  ];
  expect(scoreAnswers(['exact_match'], answers, {})).toEqual({ exact_match: 2 / 3 });
  expect(scoreAnswers(['exact_match', 'bleu'], [], {})).toEqual({
    exact_match: Number.NaN,
    bleu: Number.NaN,
  });
});

test('every metric is worth `best` where the answer is the reference, and says what it needs', () => {
  const text = '{"answer": "the numbers of the answer are 12 and 42"}';
  const rules = { pattern: /42/, validate: () => true };
  for (const { name, best } of textMetrics)
    expectClose(scoreAnswer([name], { text, references: [text] }, rules)[name] as number, best, name);
  expect(() => scoreAnswer(['regex'], { text, references: [text] }, {})).toThrow('pattern');
  expect(() => textMetric('accuracy')).toThrow('"accuracy" is no metric of answers.');
});

test('choices score as in scikit-learn', () => {
  for (const one of fixture.classification) {
    const matrix = confusionMatrix(one.choices, one.labels);
    expect(matrix).toEqual(one.matrix);
    expectClose(accuracy(one.choices), one.accuracy, 'accuracy');
    for (const beta of [1, 0.5, 2]) {
      for (const average of ['macro', 'micro'] as const) {
        const [found, wanted] = [averagedScores(matrix, average, beta), one[`${average}-${beta}`] as Scores];
        for (const key of ['precision', 'recall', 'fBeta'] as const)
          expectClose(found[key], wanted[key], `${average} ${key}`);
      }
      const wanted = one[`each-${beta}`] as Each;
      for (const [k, found] of labelScores(matrix, beta).entries())
        for (const key of ['precision', 'recall', 'fBeta'] as const)
          expectClose(found[key], wanted[key][k] as number, `${key} of label ${k}`);
    }
    for (const bins of [10, 15])
      expectClose(calibrationError(one.choices, bins), one.ece[bins] as number, `error in ${bins} bins`);
  }
  expect(() => confusionMatrix([{ label: 0, chosen: 3, probability: 1 }], 3)).toThrow(
    'does not fit 3 labels',
  );
});

test('JSON Schema decides as jsonschema does', () => {
  const validate = schemaValidator(fixture.schemas.schema);
  for (const { text, valid } of fixture.schemas.answers)
    expect([text, matchesSchema(text, validate)]).toEqual([text, Number(valid)]);
  expect(matchesSchema('{"name": "Ada", "age": 36', validate)).toBe(0);
  expect(() => schemaValidator({ type: 'nothing' })).toThrow('is no JSON Schema');
});

test('JSON may stand in a Markdown fence, and nothing else beside it', () => {
  const texts = [
    '```json\n{"a": 1}\n```',
    ' [1, 2]\n',
    '"a"',
    'Here: {"a": 1}',
    '{"a": 1} {"b": 2}',
    "{'a': 1}",
    '',
  ];
  expect(texts.map(validJson)).toEqual([1, 1, 1, 0, 0, 0, 0]);
});

test.each([
  ['She has 3 + 4 = 7 apples.\n#### 7', 7],
  ['#### 1,234', 1234],
  ['The total is $1,080.50.', 1080.5],
  ['so it is 10.', 10],
  ['minus -5', -5],
  ['first 3, then 12, done', 12],
  ['#### 5 apples, not 6', 5],
  ['.5 litres', 0.5],
  ['no number at all', null],
  ['#### none', null],
])('the final number of %j is %j', (text, number) => {
  expect(finalNumber(text)).toBe(number);
});

test('numbers match by value, not by spelling', () => {
  expect(numberMatch('That makes $72.00', ['Natalia sold 48+24 = 72 clips.\n#### 72'])).toBe(1);
  expect(numberMatch('That makes 73', ['#### 72'])).toBe(0);
  expect(numberMatch('nothing', ['nothing'])).toBe(0);
});

test('pass@k is the exact fraction', () => {
  for (const { n, right, k, value } of fixture.passAtK)
    expectClose(passAtK(n, right, k), value, `pass@${k} of ${right} in ${n}`);
  expect(() => passAtK(2, 1, 3)).toThrow('pass@3 needs at least 3 answers to a prompt, and there are 2.');
});

test('likelihood is one division over all sums', () => {
  const { rows, ...wanted } = fixture.likelihood;
  const sums = addLikelihood(rows);
  expectClose(perplexity(sums), wanted.perplexity, 'perplexity');
  expectClose(tokenAccuracy(sums), wanted.token_accuracy, 'token accuracy');
  expectClose(bitsPerByte(sums), wanted.bits_per_byte, 'bits per byte');
  const cut = addLikelihood([...rows, { loss: 1, targets: 1, correct: 0, bytes: null }]);
  expect(bitsPerByte(cut)).toBeNaN();
});
