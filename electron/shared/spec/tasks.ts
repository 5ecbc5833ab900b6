/** Public benchmarks whose files are read as lm-evaluation-harness reads them (server/evaluation/tasks has how). */

export interface TaskInfo {
  name: string;
  title: string;
  /** What its files have, in words. */
  columns: string;
  /** Left out: choices, of which one is right. `instructions`: a prompt to answer, and what the answer must keep to. */
  rows?: 'instructions';
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
  {
    name: 'ifeval',
    title: 'IFEval',
    columns: '`prompt`, `instruction_id_list`, `kwargs`, and `key`',
    rows: 'instructions',
  },
] as const;

export type TaskName = (typeof rows)[number]['name'];
export const tasks: readonly (TaskInfo & { name: TaskName })[] = rows;

/** Which evaluator its rows need. */
export function taskEvaluator(name: TaskName): 'classification' | 'generation' {
  return tasks.find((task) => task.name === name)?.rows === 'instructions' ? 'generation' : 'classification';
}

/** What it is evaluated by where nothing else is said; answers of IFEval may have 1280 tokens in lm-evaluation-harness. */
export const benchmarkEvaluator = (name: TaskName) =>
  taskEvaluator(name) === 'generation'
    ? ({ type: 'generation', metrics: [], max_new_tokens: 1280 } as const)
    : ({ type: 'classification' } as const);
export const taskNames = rows.map(({ name }) => name) as [TaskName, ...TaskName[]];
