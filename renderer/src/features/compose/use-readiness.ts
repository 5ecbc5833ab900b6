/** Why a run cannot start yet. */
import { useMemo } from 'react';
import type { SpecIssue } from '../../../../electron/shared/spec/run-spec.ts';
import { type SpecField, specFields, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { useStore } from '../../store/context.tsx';
import type { Draft } from '../../store/draft.ts';
import { issueText, titleOf } from './issues.ts';

export interface Reason {
  readonly text: string;
  /** The field to mend, null when it is none of the form. */
  readonly path: string | null;
}

/** Empty when nothing stands in the way. */
export function useReadiness(): readonly Reason[] {
  const draft = useStore((s) => s.draft);
  const issues = useStore((s) => s.issues);
  const line = useStore((s) => s.line.state);
  const problem = useStore((s) => s.system?.engine.problem ?? null);
  return useMemo(() => {
    const reasons: Reason[] = [];
    if (line !== 'open') reasons.push({ text: 'The host is out of reach.', path: null });
    if (problem) reasons.push({ text: `${problem.message} ${problem.hint}`.trim(), path: null });
    return [...reasons, ...issues.map((issue) => reasonOf(issue, draft))];
  }, [draft, issues, line, problem]);
}

function reasonOf(issue: SpecIssue, draft: Draft): Reason {
  const field = specFields().find((f) => f.path === issue.path);
  if (field?.required && specValue(draft, issue.path) === undefined)
    return { text: `Choose ${article(field)}`, path: issue.path };
  const title = titleOf(issue.path);
  const text = issueText(issue);
  const named = text.toLowerCase().includes(title.toLowerCase());
  return { text: named ? text : `${title}: ${text}`, path: issue.path || null };
}

const article = (field: SpecField) => `the ${field.meta.title.toLowerCase()}`;
