/** What token counts say about the rows of a run: warnings, and the issue of nothing being left to train on. */
import type { TokenStats, UnusableRows } from '../../shared/api/entities.ts';
import { unusableSentences } from '../../shared/api/unusable-rows.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import type { RowLengths } from '../datasets/lengths.ts';
import { type ConversationWarning, warningText } from '../tokenize/warnings.ts';
import type { Findings } from './context.ts';

/** "1,234 rows" */
export const count = (n: number, word: string) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;

/** Rows that cannot be trained on: an issue, or a warning where they are left out. */
export function unusableFindings(
  unusable: readonly UnusableRows[],
  total: number,
  spec: RunSpec,
  findings: Findings,
  prefix = '',
): void {
  const leave = spec.dataset.unusable_rows === 'leave_out';
  for (const [k, sentence] of unusableSentences(unusable, total).entries()) {
    const found = {
      path: 'dataset.unusable_rows',
      code: 'dataset.bad_row',
      message: leave
        ? `${prefix}${sentence.replace(/\.$/, '')}; they are left out.`
        : `${prefix}${sentence} The first: ${unusable[k]?.first}`,
      received: spec.dataset.unusable_rows,
      suggestion: leave
        ? ''
        : 'Set it to "leave_out" to train without them, or correct the file and import it again.',
    };
    (leave ? findings.warnings : findings.issues).push(found);
  }
}

/** Sentences about the rows, and the issue of a sequence length that leaves nothing to train on. */
export function dataFindings(stats: TokenStats, lengths: RowLengths, spec: RunSpec): Findings {
  const { seq_len } = spec.batch;
  const of = (n: number) => `${n.toLocaleString('en')} of ${count(stats.rows, 'row')}`;
  const findings: Findings = { issues: [], warnings: [] };
  const warn = (path: string, message: string, suggestion = '') =>
    findings.warnings.push({ path, code: 'data', message, suggestion });
  const drop = spec.dataset.too_long === 'drop';
  const total = stats.rows + stats.unusable.reduce((sum, { rows }) => sum + rows, 0);
  unusableFindings(stats.unusable, total, spec, findings);
  if (stats.allMasked === stats.rows || (drop && stats.tooLong === stats.rows)) {
    const reason =
      drop && stats.tooLong === stats.rows ? 'are longer and dropped' : 'have no answer token within it';
    findings.issues.push({
      path: 'batch.seq_len',
      code: 'dataset.all_masked',
      message: `Nothing is left to train on: at a sequence length of ${seq_len} tokens, all ${stats.rows} rows ${reason}. They have ${stats.min} to ${stats.max} tokens.`,
      received: seq_len,
      suggestion: `Raise it; ${stats.p95} would fit 95% of the rows.`,
    });
    return findings;
  }
  if (stats.tooLong > 0) {
    const fate = drop ? 'are dropped' : 'are truncated';
    warn(
      'batch.seq_len',
      `${of(stats.tooLong)} are longer than ${seq_len} tokens and ${fate}; the longest has ${stats.max}.`,
    );
  }
  if (!drop && stats.endCutOff > 0)
    warn(
      'batch.seq_len',
      `${of(stats.endCutOff)} lose the end of their answer: the model does not learn from them where to stop.`,
    );
  if (stats.allMasked > 0)
    warn('dataset.train', `${of(stats.allMasked)} have no token to train on and are left out.`);
  for (const [warning, n] of Object.entries(lengths.warnings))
    warn('dataset.train', `${of(n ?? 0)}: ${warningText(warning as ConversationWarning)}`);
  return findings;
}
