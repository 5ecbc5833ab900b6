import { useEffect, useMemo, useState } from 'react';
import type { ComparisonView } from '../../../../electron/shared/runs/comparison.ts';
import { looksOf } from '../runs/run-looks.ts';
import { type Compared, comparedOf } from './compared.ts';
import { reportQuestion } from './questions.ts';
import { type Answer, useAnswer } from './use-answer.ts';
import { useLiveStamp } from './use-live-stamp.ts';

/** What the runs of a view are, kept current while they go on. Settings are there at once; results, which mean reading every run, follow. */
export function useReport(view: ComparisonView | null): {
  compared: Compared | null;
  complete: boolean;
  answer: Answer<unknown>;
} {
  const stamp = useLiveStamp(view?.runs ?? []);
  const quick = useAnswer('compare.report', view && reportQuestion(view, false), stamp);
  const whole = useAnswer('compare.report', view && reportQuestion(view, true), stamp);
  const complete = whole.data !== null && !whole.waiting;
  const late = useLate(quick.data !== null && whole.data === null && !whole.error);
  // Changed: what is there at once shows the change, the results of before stay until the new ones have come.
  const report =
    complete || !quick.data || (whole.data === null && !whole.error && !late)
      ? whole.data
      : { ...quick.data, results: sameGroups(quick.data, whole.data) ? (whole.data?.results ?? []) : [] };
  const compared = useMemo(() => {
    if (!report) return null;
    const looks = looksOf(
      report.groups.map(({ key }) => key),
      globalThis.localStorage,
    );
    return comparedOf(report, looks, stamp);
  }, [report, stamp]);
  return { compared, complete: whole.data !== null, answer: whole.error ? whole : quick };
}

/** Settings alone are drawn when the results take longer than this: drawing all twice costs as much again. */
const PATIENCE_MS = 300;

/** Whether something has been waited for too long. */
function useLate(waiting: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return late;
}

type Report = Compared['report'];
const sameGroups = (a: Report, b: Report | null) =>
  b !== null && a.groups.map(({ key }) => key).join() === b.groups.map(({ key }) => key).join();
