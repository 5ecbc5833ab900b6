/** Which problem is shown where. Pure. */
import type { SpecIssue } from '../../../../electron/shared/spec/run-spec.ts';
import { type SpecField, specFields, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import type { Draft } from '../../store/draft.ts';

export const issueText = (issue: SpecIssue): string =>
  issue.suggestion ? `${issue.message} ${issue.suggestion}` : issue.message;

/** Problems of one field, those inside its value (a list's item) included. */
export const issuesAt = (issues: readonly SpecIssue[], path: string): SpecIssue[] =>
  issues.filter((issue) => issue.path === path || issue.path.startsWith(`${path}.`));

/** Problems that belong to no field on the page: of a group, or of the whole spec. */
export function issuesOfNoField(issues: readonly SpecIssue[], shown: readonly SpecField[]): SpecIssue[] {
  return issues.filter(
    (issue) => !shown.some(({ path }) => issue.path === path || issue.path.startsWith(`${path}.`)),
  );
}

/** A required value that was not given yet: still to do, not wrong. */
export function isStillToDo(
  issue: SpecIssue,
  draft: Draft,
  touched: Readonly<Record<string, true>>,
): boolean {
  const field = specFields().find((f) => f.path === issue.path);
  return field?.required === true && specValue(draft, issue.path) === undefined && !touched[issue.path];
}

/** "Learning rate" for `optimizer.learning_rate`; the path itself when no field has it. */
export function titleOf(path: string): string {
  const field = specFields().find((f) => path === f.path || path.startsWith(`${f.path}.`));
  return field?.meta.title ?? (path || 'The whole spec');
}
