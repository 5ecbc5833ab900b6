/** Runs over two hosts: everything that several ranks do goes over the network between them as well. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorLines, faultyRanks, gone, parallelTests } from '../support/mpirun.ts';
import { makeTwoHosts, noTwoHosts, type TwoHosts } from '../support/two-hosts.ts';

let hosts: TwoHosts;
beforeAll(() => {
  if (!noTwoHosts) hosts = makeTwoHosts();
});
afterAll(() => hosts?.remove());

const limit = 2;
const word = (test: number) => `${limit}.000${process.pid}${test}`;

test.skipIf(noTwoHosts)('mpirun reaches both hosts, each under its own name', async () => {
  const { code, output } = await hosts.start(['mpirun', ...hosts.options(2), 'hostname']).ended;
  expect(code).toBe(0);
  expect(output.trim().split('\n').sort()).toEqual([
    ...[hosts.names[0], hosts.names[0]],
    ...[hosts.names[1], hosts.names[1]],
  ]);
});

// Of the layouts some: what the ranks compute is held on one host, here it is what they send.
test.skipIf(noTwoHosts).each([
  [1, 'collectives'],
  [2, 'collectives and layouts'],
  [4, 'collectives'],
])('the native tests of several ranks, %s on each host: %s', async (slots, what) => {
  const leftOut = what === 'collectives' ? 'layouts*' : 'layouts: full*,layouts: untied*';
  const { code, output } = await hosts.start([
    'mpirun',
    ...hosts.options(slots),
    parallelTests,
    `-tce=tensor parallel*,families*,${leftOut}`,
  ]).ended;
  expect(output).toMatch(/\| +0 failed/);
  expect(code).toBe(0);
});

test.skipIf(noTwoHosts)('a rank that hangs on the other host is named', async () => {
  const job = hosts.start(['mpirun', ...hosts.options(2), faultyRanks, 'stop', '3', word(0)]);
  const { code, output } = await job.ended;
  expect(code).not.toBe(0);
  const [error] = errorLines(output);
  expect(error).toMatchObject({ code: 'rank.hung', data: { missing: [3] } });
  expect(await gone(word(0), 5)).toBe(true);
});

// mpirun itself waits for the answer of the other host until the system gives the connection up, a quarter of an hour.
test.skipIf(noTwoHosts)('a host that is cut off ends the ranks on both sides', async () => {
  const job = hosts.start(['mpirun', ...hosts.options(2), faultyRanks, 'none-so-far', '0', word(1)]);
  await job.said('round 5');
  hosts.cut();
  await job.said('rank.hung');
  expect(await gone(word(1), 10)).toBe(true);
  job.child.kill('SIGKILL');
  const [error] = errorLines(job.output());
  expect(error).toMatchObject({ code: 'rank.hung', data: { missing: [2, 3] } });
});
