/** A host in this process for one command, and following what it has started. */

import { createHost, defaultHome, type Host } from '../server/host.ts';
import type { Job } from '../shared/api/entities.ts';
import { CollieError } from '../shared/errors.ts';
import { Progress } from './progress.ts';

/** Runs `work` with a host and closes it afterwards. Paths of a command line are not confined. */
export async function withHost<T>(work: (host: Host) => Promise<T>): Promise<T> {
  const host = createHost({ home: defaultHome(), shell: 'browser', paths: 'any' });
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}

/** Shows a job until it ends; Ctrl-C cancels it. Returns its result; throws its error. */
export async function followJob<T>(host: Host, jobId: string): Promise<T> {
  const { jobs } = host.services;
  const watching = new AbortController();
  const cancel = () => jobs.cancel(jobId);
  process.once('SIGINT', cancel);
  const progress = new Progress();
  const shown = (async () => {
    for await (const job of jobs.watch(watching.signal)) if (job.id === jobId) showJob(progress, job);
  })();
  try {
    const job = await jobs.finished(jobId);
    if (job.error) throw CollieError.fromInfo(job.error);
    return job.result as T;
  } finally {
    process.removeListener('SIGINT', cancel);
    watching.abort();
    await shown;
    progress.end();
  }
}

function showJob(progress: Progress, job: Job): void {
  if (job.state !== 'running') return;
  progress.show({
    title: job.message || job.title,
    fraction: job.progress,
    etaSeconds: job.etaSeconds,
    details: [],
  });
}
