/**
 * Whether an answer follows the instructions of its prompt, as IFEval counts it (Zhou et al. 2023, https://arxiv.org/abs/2311.07911) and
 * lm-evaluation-harness computes it. Strictly: the answer as it is. Loosely: also without its first line, its last, both, and without asterisks.
 */
import { mean, trim } from '../text.ts';
import { instructionKind } from './instructions.ts';

/** What is asked: one of the kinds, with what it needs. */
export interface Instruction {
  id: string;
  settings: Record<string, unknown>;
}

/** What some kinds are checked by. */
export interface TextTools {
  sentences: (text: string) => string[];
  words: (text: string) => string[];
  /** Its code; null: the text has nothing to go by. */
  language: (text: string) => string | null;
  /** Searches for a pattern that a row brings along, within limits: it may take for ever. Throws spec.invalid. */
  limited: <T>(pattern: RegExp, search: () => T) => T;
}

export interface Followed {
  /** By instruction. */
  strict: boolean[];
  loose: boolean[];
}

function looseForms(answer: string): string[] {
  const lines = answer.split('\n');
  const forms = [
    answer,
    trim(lines.slice(1).join('\n')),
    trim(lines.slice(0, -1).join('\n')),
    trim(lines.slice(1, -1).join('\n')),
  ];
  return forms.flatMap((form) => [form, form.replaceAll('*', '')]);
}

export function followed(instructions: readonly Instruction[], answer: string, tools: TextTools): Followed {
  const follows = ({ id, settings }: Instruction, form: string) =>
    trim(form) !== '' && instructionKind(id).check(settings)(form, tools);
  const forms = looseForms(answer);
  return {
    strict: instructions.map((one) => follows(one, answer)),
    loose: instructions.map((one) => forms.some((form) => follows(one, form))),
  };
}

const all = (values: readonly boolean[]) => Number(values.every(Boolean));
const share = (values: readonly boolean[]) => mean(values.map(Number));

/** Of one answer. */
export const followedScores = ({ strict, loose }: Followed): Record<string, number> => ({
  prompt_strict: all(strict),
  prompt_loose: all(loose),
  instruction_strict: share(strict),
  instruction_loose: share(loose),
});

/** Of all answers of a set: instructions count alike, however many a prompt has. */
export const followedMetrics = (answers: readonly Followed[]): Record<string, number> => ({
  prompt_strict: mean(answers.map(({ strict }) => all(strict))),
  prompt_loose: mean(answers.map(({ loose }) => all(loose))),
  instruction_strict: share(answers.flatMap(({ strict }) => strict)),
  instruction_loose: share(answers.flatMap(({ loose }) => loose)),
});

export const FOLLOWED_METRICS = ['prompt_strict', 'prompt_loose', 'instruction_strict', 'instruction_loose'];
