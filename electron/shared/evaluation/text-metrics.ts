/** Metrics of generated answers, once each: how an answer scores by itself, and what a set of them comes to. */
import { containsReference, exactMatch, matchesSchema, numberMatch, validJson, wordF1 } from './answers.ts';
import { addBleu, bleu, bleuStatistics } from './bleu.ts';
import { addChrf, chrf, chrfStatistics } from './chrf.ts';
import { rougeL, rougeN } from './rouge.ts';
import { mean } from './text.ts';

/** A generated answer and what it should have been: one reference or several. */
export interface Answer {
  text: string;
  references: readonly string[];
}

/** What some metrics ask of the set. */
export interface AnswerRules {
  /** Of `regex`. */
  pattern?: Pick<RegExp, 'test'>;
  /** Of `json_schema`: whether a value is as the schema says. */
  validate?: (value: unknown) => boolean;
}

export interface TextMetric {
  name: string;
  title: string;
  help: string;
  /** What a perfect answer has. */
  best: 1 | 100;
  /** What the set must say for it. */
  needs: keyof AnswerRules | null;
  /** Whether an answer is held against a reference. */
  reference: boolean;
  /** 0 to `best`. */
  score: (answer: Answer, rules: AnswerRules) => number;
  /** Of all answers together; left out: the mean of the scores. */
  whole?: (answers: readonly Answer[]) => number;
}

const row = (
  name: string,
  title: string,
  help: string,
  score: TextMetric['score'],
  rest: Partial<TextMetric> = {},
): TextMetric => ({ name, title, help, best: 1, needs: null, reference: true, score, ...rest });

function required<K extends keyof AnswerRules>(rules: AnswerRules, key: K): NonNullable<AnswerRules[K]> {
  const rule = rules[key];
  if (rule === undefined || rule === null) throw new Error(`a metric needs the rule ${key}`);
  return rule;
}

/** In the order in which they are offered. */
export const textMetrics: readonly TextMetric[] = [
  row(
    'exact_match',
    'Exact match',
    'Share of answers that are the reference, white space around them left out.',
    ({ text, references }) => exactMatch(text, references),
  ),
  row(
    'contains',
    'Contains',
    'Share of answers that have the reference somewhere in them, in whatever case.',
    ({ text, references }) => containsReference(text, references),
  ),
  row(
    'regex',
    'Pattern match',
    'Share of answers in which the pattern of the set is found.',
    ({ text }, rules) => Number(required(rules, 'pattern').test(text)),
    { needs: 'pattern', reference: false },
  ),
  row(
    'number_match',
    'Number match',
    'Share of answers that end with the number of the reference, as GSM8K is scored: what stands after ####, else the last number.',
    ({ text, references }) => numberMatch(text, references),
  ),
  row(
    'valid_json',
    'Valid JSON',
    'Share of answers that are JSON, a Markdown fence allowed.',
    ({ text }) => validJson(text),
    { reference: false },
  ),
  row(
    'json_schema',
    'JSON Schema',
    'Share of answers that are JSON as the schema of the set says.',
    ({ text }, rules) => matchesSchema(text, required(rules, 'validate')),
    { needs: 'validate', reference: false },
  ),
  row(
    'word_f1',
    'F1 of words',
    'Words that answer and reference share, as SQuAD counts them: without case, punctuation and articles.',
    ({ text, references }) => wordF1(text, references),
  ),
  row(
    'bleu',
    'BLEU',
    'n-grams up to 4 that answers and references share, as sacreBLEU counts them (13a, exponential smoothing). Of a set: all answers together.',
    ({ text, references }) => bleu(bleuStatistics(text, references), 'effective'),
    {
      best: 100,
      whole: (answers) =>
        bleu(addBleu(answers.map((one) => bleuStatistics(one.text, one.references))), 'whole'),
    },
  ),
  row(
    'chrf',
    'chrF',
    'F2 of character n-grams up to 6, as sacreBLEU counts them. Of a set: all answers together.',
    ({ text, references }) => chrf(chrfStatistics(text, references)),
    {
      best: 100,
      whole: (answers) => chrf(addChrf(answers.map((one) => chrfStatistics(one.text, one.references)))),
    },
  ),
  row('rouge1', 'ROUGE-1', 'F-measure of words, as rouge-score has it.', ({ text, references }) =>
    rougeN(1, text, references),
  ),
  row('rouge2', 'ROUGE-2', 'F-measure of pairs of words, as rouge-score has it.', ({ text, references }) =>
    rougeN(2, text, references),
  ),
  row(
    'rougeL',
    'ROUGE-L',
    'F-measure of the longest common subsequence of words, as rouge-score has it.',
    ({ text, references }) => rougeL(text, references),
  ),
];

const byName = new Map(textMetrics.map((metric) => [metric.name, metric]));

export function textMetric(name: string): TextMetric {
  const found = byName.get(name);
  if (!found) throw new RangeError(`"${name}" is no metric of answers.`);
  return found;
}

/** Scores of one answer, by metric. */
export const scoreAnswer = (
  names: readonly string[],
  answer: Answer,
  rules: AnswerRules,
): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, textMetric(name).score(answer, rules)]));

/** What a set of answers comes to, by metric; NaN for a set without answers. */
export function scoreAnswers(
  names: readonly string[],
  answers: readonly Answer[],
  rules: AnswerRules,
): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names) {
    const { score, whole } = textMetric(name);
    if (whole && answers.length > 0) result[name] = whole(answers);
    else result[name] = mean(answers.map((answer) => score(answer, rules)));
  }
  return result;
}
