/** One rank fails: all end within seconds, the error says who and why, no process stays behind. */
import { expect, test } from 'vitest';
import { errorLines, faultyRanks, gone, mpirun, noMpi, ranksWith } from '../support/mpirun.ts';

const limit = 2;
/** What mpirun itself may take to end a job, on a busy machine too. */
const ending = 8;
let jobs = 0;

/** A job of three whose rank 1 fails so, with a word of its own in the command line of its ranks. */
function faulty(fault: string) {
  const word = `${limit}.000${process.pid}${jobs++}`;
  return { word, ...mpirun(3, faultyRanks, fault, '1', word) };
}

async function endOf(fault: string) {
  const job = faulty(fault);
  await job.said('round 5');
  const failed = Date.now();
  const { code, output } = await job.ended;
  return { code, output, errors: errorLines(output), seconds: (Date.now() - failed) / 1000, word: job.word };
}

test.skipIf(noMpi)('ranks without a fault end well', async () => {
  const { code, errors } = await endOf('none');
  expect(code).toBe(0);
  expect(errors).toEqual([]);
});

test.skipIf(noMpi).each([
  ['sleep', 'elsewhere', 'Rank 1 is not in a collective.'],
  ['stop', 'silent', 'Rank 1 does not answer.'],
])('a rank that hangs (%s) ends the job soon after the limit, by name', async (fault, state, says) => {
  const { code, errors, seconds, word } = await endOf(fault);
  expect(code).not.toBe(0);
  expect(seconds).toBeGreaterThan(limit - 0.1);
  expect(seconds).toBeLessThan(limit + ending);
  expect(errors.length).toBe(1);
  for (const error of errors) {
    expect(error.code).toBe('rank.hung');
    expect(error.message).toContain('in all_reduce of the data-parallel group');
    expect(error.message).toContain(says);
    expect(error.data).toMatchObject({ operation: 'all_reduce', group: 'data-parallel', missing: [1] });
    expect((error.data.ranks as { state: string }[])[1]).toMatchObject({ rank: 1, state });
    expect([0, 2]).toContain(error.data.rank);
  }
  expect(await gone(word, ending)).toBe(true);
});

test.skipIf(noMpi)('a rank that throws ends the job at once, its error line first', async () => {
  const { code, errors, seconds, word } = await endOf('throw');
  expect(code).not.toBe(0);
  expect(seconds).toBeLessThan(ending);
  expect(errors.map((error) => error.code)).toEqual(['train.non_finite']);
  expect(await gone(word, ending)).toBe(true);
});

test.skipIf(noMpi)('a rank that is killed ends the job within seconds', async () => {
  const { code, seconds, word } = await endOf('kill');
  expect(code).not.toBe(0);
  expect(seconds).toBeLessThan(ending);
  expect(await gone(word, ending)).toBe(true);
});

test.skipIf(noMpi)('no rank outlives a killed mpirun', async () => {
  const job = faulty('none-so-far');
  await job.said('round 5');
  expect(ranksWith(job.word).length).toBe(3);
  job.child.kill('SIGKILL');
  await job.ended;
  expect(await gone(job.word, 10)).toBe(true);
});
