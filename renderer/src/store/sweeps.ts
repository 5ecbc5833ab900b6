/** Sweeps: the list of them, the one that is being made, and what can be done to them. */
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import type { SweepCard } from '../../../electron/shared/runs/sweep-record.ts';
import { asErrorInfo } from './notices.ts';
import { newSweepDraft, type SweepDraft } from './sweep-draft.ts';
import type { Loaded, SliceContext } from './types.ts';

export interface SweepsSlice {
  /** Newest first; null until it has been read. */
  sweeps: Loaded<SweepCard>;
  sweepsError: ErrorInfo | null;
  /** What stands in the editor of a new sweep; kept while one looks elsewhere. */
  sweepDraft: SweepDraft;
  loadSweeps(): Promise<void>;
  changeSweepDraft(draft: SweepDraft): void;
  /** Queues all of it. The new sweep's id; null: the user has been told why not. */
  addSweep(sweep: unknown, leaveOut: boolean): Promise<string | null>;
  /** How many runs were added; null: the user has been told why not. */
  extendSweep(id: string, sweep: unknown, leaveOut: boolean): Promise<number | null>;
  removeSweep(id: string): Promise<boolean>;
}

export function sweepsSlice({ client, get, set }: SliceContext): SweepsSlice {
  /** The answer, with the list read anew; null when it failed and the user has been told. */
  async function changing<T>(failure: string, work: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await work();
      await get().loadSweeps();
      return answer;
    } catch (thrown) {
      get().report(failure, thrown);
      return null;
    }
  }
  return {
    sweeps: null,
    sweepsError: null,
    sweepDraft: newSweepDraft(),
    async loadSweeps() {
      try {
        set({ sweeps: await client.call('sweeps.list', {}), sweepsError: null });
      } catch (thrown) {
        set({ sweepsError: asErrorInfo(thrown) });
      }
    },
    changeSweepDraft: (sweepDraft) => set({ sweepDraft }),
    addSweep: (sweep, leaveOut) =>
      changing('The sweep was not queued', async () => {
        const { id } = await client.call('sweeps.add', { sweep, leave_out: leaveOut });
        set({ sweepDraft: newSweepDraft() });
        return id;
      }),
    extendSweep: (id, sweep, leaveOut) =>
      changing('Nothing was added to the sweep', async () => {
        return (await client.call('sweeps.extend', { id, sweep, leave_out: leaveOut })).ids.length;
      }),
    removeSweep: async (id) =>
      (await changing('The sweep was not removed', () => client.call('sweeps.remove', { id }))) !== null,
  };
}
