/**
 * The question before something is started that runs callbacks which the user has not approved, or sends rows to a judge that is not allowed (judge-trust.ts). It is asked wherever
 * that is: whoever calls the host waits for the answer, and the call is made again once they are approved.
 */
import type { Method, MethodParams, MethodResult } from '../../../electron/shared/api/api.ts';
import type { InspectedCallback } from '../../../electron/shared/api/callbacks.ts';
import type { NamedJudge } from '../../../electron/shared/api/judges.ts';
import type { Client } from '../client/client.ts';
import type { JudgeTrustSlice } from './judge-trust.ts';
import { asErrorInfo } from './notices.ts';
import type { SliceContext } from './types.ts';

export interface TrustSlice {
  /** Callbacks with their code that something waits for; null: nothing does. */
  trustQuestion: readonly InspectedCallback[] | null;
  /** Gets the paths of what the host refused. true: it was approved as it was shown. */
  askTrust(paths: readonly string[]): Promise<boolean>;
  answerTrust(approved: boolean): void;
}

export function trustSlice({ client, get, set }: SliceContext): TrustSlice {
  let answered: ((approved: boolean) => void) | null = null;
  return {
    trustQuestion: null,
    async askTrust(paths) {
      // One question at a time: who comes second is told what the host said.
      if (answered) return false;
      const wait = new Promise<boolean>((resolve) => {
        answered = resolve;
      });
      try {
        const found = await client.call('callbacks.inspect', { paths: [...paths] });
        set({ trustQuestion: found });
        if (!(await wait)) return false;
        const callbacks = found.map(({ path, sha256 }) => ({ path, sha256 }));
        await client.call('callbacks.trust', { callbacks });
        return true;
      } catch (thrown) {
        get().report('The callbacks could not be approved', thrown);
        return false;
      } finally {
        answered = null;
        set({ trustQuestion: null });
      }
    },
    answerTrust: (approved) => answered?.(approved),
  };
}

type Ask = Pick<TrustSlice, 'askTrust'> & Pick<JudgeTrustSlice, 'askJudges'>;

/** A client whose calls come back only when the user has been asked about callbacks that they would run, and judges that they would ask. */
export function askingForTrust(client: Client, ask: () => Ask): Client {
  /** true: what was refused is approved now. */
  async function approved(thrown: unknown): Promise<boolean> {
    const [paths, judges] = [refusedCallbacks(thrown), refusedJudges(thrown)];
    if (paths.length > 0) return ask().askTrust(paths);
    return judges.length > 0 && ask().askJudges(judges);
  }
  return {
    line: () => client.line(),
    onLine: (listener) => client.onLine(listener),
    retry: () => client.retry(),
    close: () => client.close(),
    subscribe: (topic, params, onEvent, onEnd) => client.subscribe(topic, params, onEvent, onEnd),
    async call<M extends Method>(method: M, params: MethodParams<M>): Promise<MethodResult<M>> {
      for (;;) {
        try {
          return await client.call(method, params);
        } catch (thrown) {
          // An approval that is refused is no question.
          if (method === 'callbacks.trust' || !(await approved(thrown))) throw thrown;
        }
      }
    },
  };
}

/** Paths of the callbacks that the host did not run; empty for any other error. */
function refusedCallbacks(thrown: unknown): string[] {
  const { code, data } = asErrorInfo(thrown);
  if (code !== 'callback.not_trusted' || !Array.isArray(data.callbacks)) return [];
  return data.callbacks.map((one) => String(Object(one).path));
}

/** Judges that the host did not ask. */
function refusedJudges(thrown: unknown): NamedJudge[] {
  const { code, data } = asErrorInfo(thrown);
  return code === 'judge.not_allowed' && Array.isArray(data.judges) ? (data.judges as NamedJudge[]) : [];
}
