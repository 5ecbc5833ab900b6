/**
 * The question before something is started that the user has to allow first (shared/api/trust.ts). It is asked wherever that is: whoever calls the host waits for the answer, and the call
 * is made again after a yes.
 */
import type { Method, MethodParams, MethodResult } from '../../../electron/shared/api/api.ts';
import {
  allow,
  questionOf,
  refusedKind,
  type TrustQuestion,
  trustKinds,
} from '../../../electron/shared/api/trust.ts';
import type { Client } from '../client/client.ts';
import { asErrorInfo } from './notices.ts';
import type { SliceContext } from './types.ts';

export interface TrustSlice {
  /** What something waits for, as it is shown; null: nothing does. */
  trustQuestion: TrustQuestion | null;
  /** Gets what a call has thrown. true: it was a refusal, and what was shown is allowed now. */
  askTrust(thrown: unknown): Promise<boolean>;
  answerTrust(allowed: boolean): void;
}

/** `client`: without `askingForTrust`, so that an approval which is refused is no question. */
export function trustSlice({ client, get, set }: SliceContext): TrustSlice {
  let answered: ((allowed: boolean) => void) | null = null;
  return {
    trustQuestion: null,
    async askTrust(thrown) {
      const refusal = asErrorInfo(thrown);
      const kind = refusedKind(refusal);
      // One question at a time: who comes second is told what the host said.
      if (kind === null || answered) return false;
      const wait = new Promise<boolean>((resolve) => {
        answered = resolve;
      });
      try {
        const question = await questionOf(client, kind, refusal);
        set({ trustQuestion: question });
        if (!(await wait)) return false;
        await allow(client, question);
        return true;
      } catch (problem) {
        get().report(trustKinds[kind].failed, problem);
        return false;
      } finally {
        answered = null;
        set({ trustQuestion: null });
      }
    },
    answerTrust: (allowed) => answered?.(allowed),
  };
}

/** A client whose calls come back only when the user has been asked about what they were refused for. */
export function askingForTrust(client: Client, ask: () => Pick<TrustSlice, 'askTrust'>): Client {
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
          if (!(await ask().askTrust(thrown))) throw thrown;
        }
      }
    },
  };
}
