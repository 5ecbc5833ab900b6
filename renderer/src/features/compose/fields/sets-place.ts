/** Where evaluation sets are edited other than in the form of a new run: the columns they may share, and what is wrong with them. */
import { createContext } from 'react';
import type { SpecIssue } from '../../../../../electron/shared/spec/run-spec.ts';
import type { Entry } from './evaluation-sets.ts';

export interface SetsPlaceInfo {
  training: Entry | undefined;
  issues: readonly SpecIssue[];
}

/** Null: the form, whose draft has both. */
export const SetsPlace = createContext<SetsPlaceInfo | null>(null);
