/**
 * What a judge is asked, and what its answer says: a score on a scale, and why. The judge is another language model; a text of it without a score in the form
 * that was asked for is no score, however much it looks like one.
 */

export const scaleNames = ['1-10', '1-5', '0-100', 'yes_no'] as const;
export type ScaleName = (typeof scaleNames)[number];

interface Scale {
  low: number;
  high: number;
  /** What the judge is asked for. */
  asked: string;
}

export const scales: Record<ScaleName, Scale> = {
  '1-10': { low: 1, high: 10, asked: 'a number from 1 (worst) to 10 (best)' },
  '1-5': { low: 1, high: 5, asked: 'a number from 1 (worst) to 5 (best)' },
  '0-100': { low: 0, high: 100, asked: 'a number from 0 (worst) to 100 (best)' },
  yes_no: { low: 0, high: 1, asked: 'yes or no' },
};

export const verdictForms = ['tag', 'json'] as const;
export type VerdictForm = (typeof verdictForms)[number];

export const DEFAULT_JUDGE_PROMPT = `You grade the answer of an assistant. Judge only whether it is correct and helpful, not its length.

Question:
{question}

Reference answer:
{reference}

Answer to grade:
{answer}`;

/** Of one answer. */
export interface Judged {
  question: string;
  /** Empty: there is none. */
  reference: string;
  answer: string;
}

const EXAMPLE: Record<ScaleName, string> = { '1-10': '7', '1-5': '4', '0-100': '70', yes_no: 'yes' };

/** How the score is to be given; stands behind the prompt. */
export function verdictRequest(scale: ScaleName, form: VerdictForm): string {
  const { asked } = scales[scale];
  const value = scale === 'yes_no' ? '"yes"' : EXAMPLE[scale];
  return form === 'json'
    ? `Answer with one JSON object and nothing else: {"reason": "one or two sentences", "score": ${value}}. The score is ${asked}.`
    : `Explain your grade in one or two sentences. Then end with the score, ${asked}, in this form: <score>${EXAMPLE[scale]}</score>`;
}

/** Each place once: what stands in an answer is never taken for a place itself. */
export function judgePrompt(template: string, judged: Judged, scale: ScaleName, form: VerdictForm): string {
  const values: Record<string, string> = {
    question: judged.question,
    reference: judged.reference === '' ? '(none)' : judged.reference,
    answer: judged.answer === '' ? '(an empty answer)' : judged.answer,
  };
  const filled = template.replace(/\{(question|reference|answer)\}/g, (_, name) => values[name] as string);
  return `${filled}\n\n${verdictRequest(scale, form)}`;
}

export interface Verdict {
  score: number;
  reason: string;
}

const THOUGHTS = /<think>[\s\S]*?<\/think>/gi;
const TAG = /<score>([^<]{0,40})<\/score>/gi;
const FENCE = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/i;

/** Says what is wrong with the answer of a judge, as the end of a sentence that begins with "it". */
export type Unreadable = { problem: string };

export function readVerdict(text: string, scale: ScaleName, form: VerdictForm): Verdict | Unreadable {
  const said = text.replace(THOUGHTS, '').trim();
  if (said === '') return { problem: 'gave an empty answer' };
  return form === 'json' ? fromJson(said, scale) : fromTag(said, scale);
}

/** The last tag counts: a judge may name other scores while it weighs. */
function fromTag(said: string, scale: ScaleName): Verdict | Unreadable {
  const last = [...said.matchAll(TAG)].at(-1);
  if (!last) return { problem: 'gave no <score>' };
  return scored(last[1] as string, scale, said.replace(TAG, '').trim());
}

function fromJson(said: string, scale: ScaleName): Verdict | Unreadable {
  let value: unknown;
  try {
    value = JSON.parse(FENCE.exec(said)?.[1] ?? said);
  } catch {
    return { problem: 'gave no JSON' };
  }
  const { score, reason } = Object(value) as { score?: unknown; reason?: unknown };
  if (typeof score !== 'number' && typeof score !== 'string' && typeof score !== 'boolean')
    return { problem: 'gave JSON without a "score"' };
  const word = typeof score === 'boolean' ? (score ? 'yes' : 'no') : String(score);
  return scored(word, scale, typeof reason === 'string' ? reason.trim() : '');
}

function scored(word: string, scale: ScaleName, reason: string): Verdict | Unreadable {
  const plain = word.trim().toLowerCase();
  const { low, high, asked } = scales[scale];
  if (scale === 'yes_no') {
    if (plain === 'yes' || plain === 'no') return { score: Number(plain === 'yes'), reason };
  } else if (/^\d+(\.\d+)?$/.test(plain)) {
    const score = Number(plain);
    if (score >= low && score <= high) return { score, reason };
  }
  return { problem: `gave the score ${JSON.stringify(word.trim().slice(0, 20))}, which is not ${asked}` };
}

/** "7 of 10", "yes". */
export const verdictText = (score: number, scale: ScaleName): string =>
  scale === 'yes_no' ? (score === 1 ? 'yes' : 'no') : `${score} of ${scales[scale].high}`;
