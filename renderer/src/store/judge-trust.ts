/** The question before rows are sent to a judge that the user has not allowed; asked as that about callbacks is (trust.ts). */
import type { NamedJudge } from '../../../electron/shared/api/judges.ts';
import type { SliceContext } from './types.ts';

export interface JudgeTrustSlice {
  /** Judges that something waits for; null: nothing does. */
  judgeQuestion: readonly NamedJudge[] | null;
  /** Gets what the host refused. true: it was allowed as it was shown. */
  askJudges(judges: readonly NamedJudge[]): Promise<boolean>;
  answerJudges(allowed: boolean): void;
}

export function judgeTrustSlice({ client, get, set }: SliceContext): JudgeTrustSlice {
  let answered: ((allowed: boolean) => void) | null = null;
  return {
    judgeQuestion: null,
    async askJudges(judges) {
      // One question at a time: who comes second is told what the host said.
      if (answered) return false;
      const wait = new Promise<boolean>((resolve) => {
        answered = resolve;
      });
      try {
        set({ judgeQuestion: judges });
        if (!(await wait)) return false;
        const shown = judges.map(({ origin, keyEnv }) => ({ origin, keyEnv }));
        await client.call('judges.allow', { judges: shown });
        return true;
      } catch (thrown) {
        get().report('The judge could not be allowed', thrown);
        return false;
      } finally {
        answered = null;
        set({ judgeQuestion: null });
      }
    },
    answerJudges: (allowed) => answered?.(allowed),
  };
}
