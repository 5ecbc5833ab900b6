/**
 * Public benchmarks: of multiple choice, their rows as contexts and continuations, with the prompts of lm-evaluation-harness (v0.4, no shots), where
 * one continuation is right and the model chooses the most likely one; and prompts with instructions that an answer must keep to.
 */
import type { Instruction } from '../../shared/evaluation/ifeval/follow.ts';
import type { TaskName } from '../../shared/spec/tasks.ts';
import type { Row } from '../datasets/rows.ts';
import { Reader } from './task-reader.ts';

export interface Choice {
  context: string;
  continuation: string;
}

export interface ChoicesExample {
  choices: Choice[];
  /** What the choices are called, as normalization measures them. */
  labels: string[];
  label: number;
}

export interface InstructionsExample {
  prompt: string;
  instructions: Instruction[];
}

export type TaskExample = ChoicesExample | InstructionsExample;

interface Task {
  /** Columns of a file; of those in one list, the first that is there. */
  columns: readonly (string | readonly string[])[];
  optional?: readonly string[];
  example: (read: Reader) => TaskExample;
}

/** After one context, a space before each. */
const after = (context: string, texts: readonly string[], label: number): ChoicesExample => ({
  choices: texts.map((text) => ({ context, continuation: ` ${text}` })),
  labels: [...texts],
  label,
});

function namedAnswer(read: Reader, context: string): ChoicesExample {
  const { texts, names } = read.labelled('choices');
  const label = names.indexOf(read.text('answerKey').trim());
  return label < 0 ? read.fail('answerKey', `one of ${names.join(', ')}`) : after(context, texts, label);
}

/** HellaSwag's texts have marks of WikiHow. */
const cleaned = (text: string) =>
  text
    .trim()
    .replaceAll(' [title]', '. ')
    .replace(/\[.*?\]/g, '')
    .replaceAll('  ', ' ');

/** As Python's: the first letter large, all others small. */
const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();

const LETTERS = ['A', 'B', 'C', 'D'];

const tasks: Readonly<Record<TaskName, Task>> = {
  arc: {
    columns: ['question', 'choices', 'answerKey'],
    example: (read) => namedAnswer(read, `Question: ${read.text('question')}\nAnswer:`),
  },
  openbookqa: {
    columns: ['question_stem', 'choices', 'answerKey'],
    example: (read) => namedAnswer(read, read.text('question_stem')),
  },
  hellaswag: {
    columns: ['activity_label', 'ctx_a', 'ctx_b', 'endings', 'label'],
    example: (read) => {
      const context = `${read.text('ctx_a')} ${capitalized(read.text('ctx_b'))}`;
      const endings = read.texts('endings').map(cleaned);
      return after(
        cleaned(`${read.text('activity_label')}: ${context}`),
        endings,
        read.place('label', endings.length),
      );
    },
  },
  piqa: {
    columns: ['goal', 'sol1', 'sol2', 'label'],
    example: (read) =>
      after(
        `Question: ${read.text('goal')}\nAnswer:`,
        [read.text('sol1'), read.text('sol2')],
        read.place('label', 2),
      ),
  },
  winogrande: {
    columns: ['sentence', 'option1', 'option2', 'answer'],
    example: (read) => {
      const sentence = read.text('sentence');
      const gap = sentence.indexOf('_');
      if (gap < 0) return read.fail('sentence', 'a text with a gap _');
      const continuation = ` ${sentence.slice(gap + 1).trim()}`;
      const labels = [read.text('option1'), read.text('option2')];
      const choices = labels.map((option) => ({ context: sentence.slice(0, gap) + option, continuation }));
      return { choices, labels, label: read.place('answer', 2, 1) };
    },
  },
  boolq: {
    columns: ['passage', 'question', ['label', 'answer']],
    example: (read) =>
      after(
        `${read.text('passage')}\nQuestion: ${read.text('question')}?\nAnswer:`,
        ['no', 'yes'],
        read.place(read.has('label') ? 'label' : 'answer', 2),
      ),
  },
  ifeval: {
    columns: ['prompt', 'instruction_id_list', 'kwargs'],
    optional: ['key'],
    example: (read) => ({ prompt: read.text('prompt'), instructions: read.instructions() }),
  },
  mmlu: {
    columns: ['question', 'choices', 'answer'],
    optional: ['subject'],
    example: (read) => {
      const texts = read.texts('choices');
      if (texts.length !== LETTERS.length) return read.fail('choices', 'a list of 4 texts');
      const subject = read.has('subject') ? read.text('subject').replaceAll('_', ' ') : null;
      const about =
        subject === null
          ? ''
          : `The following are multiple choice questions (with answers) about ${subject}.\n\n`;
      const listed = texts.map((text, k) => `${LETTERS[k]}. ${text}\n`).join('');
      return after(
        `${about}${read.text('question').trim()}\n${listed}Answer:`,
        LETTERS,
        read.place('answer', 4),
      );
    },
  },
};

/** Columns that a file of the benchmark has; `missing` where one that it must have is not among `there`. */
export function taskColumns(
  name: TaskName,
  there: readonly string[],
): { columns: string[]; missing: string | null } {
  const { columns, optional = [] } = tasks[name];
  const found: string[] = optional.filter((column) => there.includes(column));
  for (const column of columns) {
    const names = typeof column === 'string' ? [column] : column;
    const one = names.find((candidate) => there.includes(candidate));
    if (one === undefined) return { columns: found, missing: names.join(' or ') };
    found.push(one);
  }
  return { columns: found, missing: null };
}

/** Throws dataset.bad_row. */
export const taskExample = (name: TaskName, row: Row, index: number): TaskExample =>
  tasks[name].example(new Reader(row, index));
