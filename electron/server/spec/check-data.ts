/** Whether datasets have the columns that the spec names, and rows to evaluate. */
import type { Mapping } from '../../shared/spec/run-spec.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import { unusedColumns, unusedSentences } from '../datasets/unused.ts';
import type { Findings, Found } from './context.ts';
import { issue, type Parts } from './issue.ts';
import { nearest } from './suggest.ts';

/** Types a column may have to hold texts, or lists of messages. `mixed` is found out when the rows are read. */
const HOLDS = {
  text: ['text', 'number', 'boolean', 'mixed'],
  messages: ['list', 'object', 'text', 'mixed'],
  /** A prompt or an answer: a text, or messages. */
  spoken: ['text', 'number', 'boolean', 'list', 'object', 'mixed'],
  /** Tools and history: lists, or their JSON. */
  list: ['list', 'object', 'text', 'mixed'],
} as const;

function mappedFields(mapping: Mapping): { field: string; column: string; holds: keyof typeof HOLDS }[] {
  const columns: [string, string | null, keyof typeof HOLDS][] =
    mapping.kind === 'chat'
      ? [
          ['messages', mapping.messages, 'messages'],
          ['system', mapping.system, 'text'],
        ]
      : [
          ['prompt', mapping.prompt, 'spoken'],
          ['answer', mapping.answer, 'spoken'],
          ['context', mapping.context, 'text'],
          ['system', mapping.system, 'text'],
          ['history', mapping.history, 'list'],
        ];
  columns.push(['tools', mapping.tools, 'list']);
  return columns.flatMap(([field, column, holds]) => (column === null ? [] : [{ field, column, holds }]));
}

function checkColumns(
  source: DatasetSource,
  mapping: Mapping,
  at: 'train' | 'eval',
  findings: Findings,
): void {
  const { name, columns } = source.card;
  const names = columns.map((column) => column.name);
  for (const { field, column, holds } of mappedFields(mapping)) {
    const path = at === 'train' ? `dataset.mapping.${field}` : 'dataset.eval';
    const found = columns.find((one) => one.name === column);
    if (found === undefined) {
      const near = nearest(column, names);
      const message = `The dataset "${name}" has no column "${column}". It has: ${names.join(', ')}.`;
      const suggestion = near === null ? 'Choose one of its columns.' : `Did you mean "${near}"?`;
      findings.issues.push(issue(path, 'dataset.missing_column', message, column, suggestion));
    } else if (
      !(HOLDS[holds] as readonly string[]).includes(found.type) &&
      !(found.type === 'empty' && optional(field))
    ) {
      const wanted = {
        text: 'texts are',
        spoken: 'texts are',
        messages: 'lists of messages are',
        list: 'lists are',
      }[holds];
      const message = `The column "${column}" of "${name}" holds ${found.type === 'empty' ? 'nothing' : `values of type ${found.type}`}; ${wanted} expected.`;
      findings.issues.push(issue(path, 'dataset.bad_row', message, column, 'Choose another column.'));
    }
  }
}

const optional = (field: string) => !['messages', 'prompt', 'answer'].includes(field);

/** What is not used is said; images that a prompt may speak of are refused. */
function checkUnused({ card }: DatasetSource, mapping: Mapping, findings: Findings): void {
  const { media } = unusedColumns(card, mapping);
  for (const sentence of unusedSentences(card, mapping))
    findings.warnings.push(issue('dataset.mapping', 'unused_columns', sentence, null, ''));
  if (media.length === 0) return;
  const message = `The column "${media[0]}" of "${card.name}" holds images, audio or video; only texts are trained.`;
  findings.issues.push(
    issue(
      'dataset.train',
      'dataset.media',
      message,
      media[0],
      'Remove this column from the file if its rows make sense without it, and import it again.',
    ),
  );
}

export function checkDataset(parts: Parts, found: Found, findings: Findings): void {
  const { dataset, evaluation } = parts;
  if (dataset === undefined) return;
  if (found.train) checkColumns(found.train, dataset.mapping, 'train', findings);
  if (found.train) checkUnused(found.train, dataset.mapping, findings);
  if (found.eval) checkColumns(found.eval, dataset.mapping, 'eval', findings);
  if (found.train && found.eval && found.train.rowsPath === found.eval.rowsPath) {
    const message = 'The evaluation data is the training data: its loss says nothing about new rows.';
    findings.warnings.push(
      issue('dataset.eval', 'same_data', message, dataset.eval, 'Leave it empty to hold out some rows.'),
    );
  }
  const heldOut = dataset.eval !== null || (dataset.eval_fraction > 0 && (found.train?.card.rows ?? 2) > 1);
  if (!heldOut && evaluation && evaluation.every_steps > 0) {
    findings.issues.push(
      issue(
        'evaluation.every_steps',
        'no_evaluation_rows',
        `There is nothing to evaluate every ${evaluation.every_steps} steps: no evaluation data, and no rows held out.`,
        evaluation.every_steps,
        'Set dataset.eval, or dataset.eval_fraction above 0 with at least two rows; or set this to 0.',
      ),
    );
  }
}
