import { useCallback, useEffect, useMemo, useState } from 'react';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import type { ComparisonView, SavedComparison } from '../../../../electron/shared/runs/comparison.ts';
import { href, navigate } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import { ask } from '../../client/ask-ahead.ts';
import { useClient, useStore } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { queryOfView, viewOfQuery } from './view-address.ts';

export interface Comparison {
  /** null: a saved one that has not come yet. */
  view: ComparisonView | null;
  saved: SavedComparison | null;
  error: ErrorInfo | null;
  /** A saved one is saved again. */
  change(part: Partial<ComparisonView>): void;
  /** Gives it a name, and with that an address of its own. */
  save(name: string): Promise<void>;
  /** Values of the address beside the view: the tab, the candidate. */
  query: URLSearchParams;
  setQuery(values: Record<string, string>): void;
}

/** Parts of the address that say how a comparison is looked at, not what it is. */
const LOOKS = ['tab', 'vs', 'set', 'metric'] as const;

export function useComparison(id: string | null): Comparison {
  const client = useClient();
  const report = useStore((s) => s.report);
  const { query } = useRoute();
  const [saved, setSaved] = useState<SavedComparison | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  useEffect(() => {
    if (id === null) return;
    let wanted = true;
    ask(client, 'compare.get', { id }).then(
      (one) => wanted && setSaved(one),
      (thrown) => wanted && setError(asErrorInfo(thrown)),
    );
    return () => {
      wanted = false;
    };
  }, [client, id]);
  const asked = useMemo(() => (id === null ? viewOfQuery(query) : null), [id, query]);
  const view = id === null ? asked : (saved?.view ?? null);

  const looks = useCallback(
    (): Record<string, string> => Object.fromEntries(LOOKS.map((key) => [key, query.get(key) ?? ''])),
    [query],
  );
  const go = (next: ComparisonView, more: Record<string, string>) =>
    navigate(
      id === null ? href('compare', { ...queryOfView(next), ...more }) : href('compare', id, more),
      'replace',
    );

  async function store(next: SavedComparison): Promise<void> {
    setSaved(next);
    try {
      await client.call('compare.save', { id: next.id, name: next.name, view: next.view });
    } catch (thrown) {
      report('The comparison could not be saved', thrown);
    }
  }

  return {
    view,
    saved,
    error,
    query,
    change(part) {
      if (view === null) return;
      const next = { ...view, ...part };
      if (saved) void store({ ...saved, view: next });
      else go(next, looks());
    },
    async save(name) {
      if (view === null) return;
      if (saved) return store({ ...saved, name });
      try {
        const one = await client.call('compare.save', { name, view });
        navigate(href('compare', one.id, looks()));
      } catch (thrown) {
        report('The comparison could not be saved', thrown);
      }
    },
    setQuery(values) {
      if (view !== null) go(view, { ...looks(), ...values });
    },
  };
}
