/** Whether datasets have the columns that the spec names, and rows to evaluate. */
import type { Mapping } from '../../shared/spec/run-spec.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import type { Findings, Found } from './context.ts';
import { issue, type Parts } from './issue.ts';
import { nearest } from './suggest.ts';

/** Types a column may have to hold texts, or lists of messages. `mixed` is found out when the rows are read. */
const HOLDS = {
  text: ['text', 'mixed'],
  messages: ['list', 'text', 'mixed'],
} as const;

function mappedFields(mapping: Mapping): { field: string; column: string; holds: keyof typeof HOLDS }[] {
  if (mapping.kind === 'chat') return [{ field: 'messages', column: mapping.messages, holds: 'messages' }];
  return (['prompt', 'answer', 'context', 'system'] as const).flatMap((field) => {
    const column = mapping[field];
    return column === null ? [] : [{ field, column, holds: 'text' as const }];
  });
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
      const wanted = holds === 'text' ? 'texts are' : 'lists of messages are';
      const message = `The column "${column}" of "${name}" holds ${found.type === 'empty' ? 'nothing' : `values of type ${found.type}`}; ${wanted} expected.`;
      findings.issues.push(issue(path, 'dataset.bad_row', message, column, 'Choose another column.'));
    }
  }
}

const optional = (field: string) => field === 'context' || field === 'system';

export function checkDataset(parts: Parts, found: Found, findings: Findings): void {
  const { dataset, evaluation } = parts;
  if (dataset === undefined) return;
  if (found.train) checkColumns(found.train, dataset.mapping, 'train', findings);
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
