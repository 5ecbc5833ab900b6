/** How checks report what they find. */
import { type CollieError, toErrorInfo } from '../../shared/errors.ts';
import type { RunSpec, SpecIssue } from '../../shared/spec/run-spec.ts';

/** The parts of a spec that are right on their own. */
export type Parts = Partial<RunSpec>;

export const issue = (
  path: string,
  code: string,
  message: string,
  received: unknown,
  suggestion: string,
): SpecIssue => ({ path, code, message, received, suggestion });

/** An error of resolving something, as an issue of the field that names it. */
export function fromError(path: string, thrown: unknown, received: unknown): SpecIssue {
  const info = toErrorInfo(thrown as CollieError);
  return issue(path, info.code, info.message, received, info.hint);
}
