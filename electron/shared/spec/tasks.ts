/** Public benchmarks whose files are read as lm-evaluation-harness reads them (server/evaluation/tasks has how). */

export interface TaskInfo {
  name: string;
  title: string;
  /** What its files have, in words. */
  columns: string;
}

const rows = [
  { name: 'arc', title: 'ARC', columns: '`question`, `choices` {text, label}, `answerKey`' },
  {
    name: 'hellaswag',
    title: 'HellaSwag',
    columns: '`activity_label`, `ctx_a`, `ctx_b`, `endings`, `label`',
  },
  { name: 'piqa', title: 'PIQA', columns: '`goal`, `sol1`, `sol2`, `label`' },
  { name: 'winogrande', title: 'WinoGrande', columns: '`sentence`, `option1`, `option2`, `answer`' },
  { name: 'boolq', title: 'BoolQ', columns: '`passage`, `question`, `label` (or `answer`)' },
  {
    name: 'openbookqa',
    title: 'OpenBookQA',
    columns: '`question_stem`, `choices` {text, label}, `answerKey`',
  },
  {
    name: 'mmlu',
    title: 'MMLU',
    columns: '`question`, `choices`, `answer`, and `subject` where there are several',
  },
] as const;

export type TaskName = (typeof rows)[number]['name'];
export const tasks: readonly (TaskInfo & { name: TaskName })[] = rows;
export const taskNames = rows.map(({ name }) => name) as [TaskName, ...TaskName[]];
