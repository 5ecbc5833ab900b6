/** Long work of the host: imports, statistics, exports. */
import type { Job } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import type { SliceContext } from './types.ts';

export interface JobsSlice {
  jobs: Readonly<Record<string, Job>>;
  /** Jobs the user put away; the host keeps them. */
  dismissedJobs: readonly string[];
  cancelJob(id: string): Promise<void>;
  dismissJob(id: string): void;
  /** Resolves with the job's result, rejects with its error. */
  awaitJob(id: string): Promise<unknown>;
  /** Takes a change in; used by the stream only. */
  receiveJob(job: Job): void;
}

export function jobsSlice({ client, get, set }: SliceContext): JobsSlice {
  const waiting = new Map<string, ((job: Job) => void)[]>();
  return {
    jobs: {},
    dismissedJobs: [],
    async cancelJob(id) {
      try {
        await client.call('jobs.cancel', { id });
      } catch (thrown) {
        get().report('Could not cancel the job', thrown);
      }
    },
    dismissJob: (id) => set((s) => ({ dismissedJobs: [...s.dismissedJobs, id] })),
    awaitJob: (id) =>
      new Promise((resolve, reject) => {
        const settle = (job: Job) => {
          if (job.state === 'done') resolve(job.result);
          else reject(job.error ? CollieError.fromInfo(job.error) : cancelled(job));
        };
        const known = get().jobs[id];
        if (known && known.state !== 'running') settle(known);
        else waiting.set(id, [...(waiting.get(id) ?? []), settle]);
      }),
    receiveJob(job) {
      set((s) => ({ jobs: { ...s.jobs, [job.id]: job } }));
      if (job.state === 'running') return;
      const settlers = waiting.get(job.id) ?? [];
      waiting.delete(job.id);
      for (const settle of settlers) settle(job);
    },
  };
}

const cancelled = (job: Job) => new CollieError('job.cancelled', `"${job.title}" was cancelled.`);
