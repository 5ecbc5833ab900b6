import { useEffect, useState } from 'react';
import type { Method, MethodParams, MethodResult } from '../../../../electron/shared/api/api.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ask } from '../../client/ask-ahead.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';

export interface Answer<T> {
  /** The newest that came; of the question before while a new one is on its way. */
  data: T | null;
  error: ErrorInfo | null;
  /** The answer to what is asked now has not come yet. */
  waiting: boolean;
  again: () => void;
}

/** The host's answer to a question, asked again when the question or `stamp` changes. null: nothing is asked. */
export function useAnswer<M extends Method>(
  method: M,
  params: MethodParams<M> | null,
  stamp = 0,
): Answer<MethodResult<M>> {
  const client = useClient();
  const [tries, setTries] = useState(0);
  const [state, setState] = useState<{
    key: string | null;
    data: MethodResult<M> | null;
    error: ErrorInfo | null;
  }>({ key: null, data: null, error: null });
  const key = params === null ? null : JSON.stringify(params);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the parameters; stamp and tries ask again
  useEffect(() => {
    if (params === null) return;
    let wanted = true;
    ask(client, method, params).then(
      (data) => wanted && setState({ key, data, error: null }),
      (thrown) => wanted && setState((s) => ({ key, data: s.data, error: asErrorInfo(thrown) })),
    );
    return () => {
      wanted = false;
    };
  }, [client, method, key, stamp, tries]);
  return {
    data: key === null ? null : state.data,
    error: state.key === key ? state.error : null,
    waiting: key !== null && state.key !== key,
    again: () => setTries((count) => count + 1),
  };
}
