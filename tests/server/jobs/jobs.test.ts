import { expect, test } from 'vitest';
import { JobRunner } from '../../../electron/server/jobs/jobs.ts';
import { CollieError } from '../../../electron/shared/errors.ts';

test('a job reports progress and ends with its result', async () => {
  const jobs = new JobRunner();
  const watching = new AbortController();
  const seen: string[] = [];
  const watched = (async () => {
    for await (const job of jobs.watch(watching.signal)) seen.push(`${job.state} ${job.message}`);
  })();
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { id } = jobs.start('export', 'An export', async ({ progress }) => {
    progress(0.5, 'half');
    await gate;
    return { answer: 42 };
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(jobs.list()[0]).toMatchObject({ state: 'running', progress: 0.5, message: 'half' });
  go();
  expect(await jobs.finished(id)).toMatchObject({
    state: 'done',
    progress: 1,
    result: { answer: 42 },
    error: null,
  });
  await new Promise((resolve) => setImmediate(resolve));
  watching.abort();
  await watched;
  expect(seen.at(-1)).toBe('done half');
});

test('failures keep their code, and foreign errors get one', async () => {
  const jobs = new JobRunner();
  const known = jobs.start('export', 'a', () => Promise.reject(new CollieError('path.exists', 'There.')));
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const foreign = jobs.start('export', 'b', () => Promise.reject(full));
  expect((await jobs.finished(known.id)).error).toMatchObject({ code: 'path.exists' });
  expect(await jobs.finished(foreign.id)).toMatchObject({ state: 'failed', error: { code: 'disk.full' } });
});

test('cancelling aborts the work, and whatever it throws the job is cancelled', async () => {
  const jobs = new JobRunner();
  const { id } = jobs.start(
    'model.import',
    'Import x',
    ({ signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('whatever'))),
      ),
  );
  jobs.cancel(id);
  expect(await jobs.finished(id)).toMatchObject({ state: 'cancelled', error: { code: 'job.cancelled' } });
  jobs.cancel(id);
  expect(() => jobs.cancel('nope')).toThrow(/no job/);
});

test('closing cancels everything; old jobs are forgotten, running ones never', async () => {
  const jobs = new JobRunner();
  const untilAborted = (signal: AbortSignal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  const first = jobs.start('export', 'stays', ({ signal }) => untilAborted(signal));
  for (let count = 0; count < 150; count += 1) {
    await jobs.finished(jobs.start('export', `job ${count}`, async () => null).id);
  }
  expect(jobs.list().length).toBeLessThan(110);
  expect(jobs.list()[0]?.id).toBe(first.id);
  await jobs.close();
  expect(jobs.list()[0]?.state).toBe('cancelled');
});
