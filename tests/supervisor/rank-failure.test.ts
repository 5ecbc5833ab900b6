/** Which rank it began with, from everything that the end of a run leaves behind. */
import { describe, expect, it } from 'vitest';
import { type Evidence, rankFailure } from '../../electron/supervisor/rank-failure.ts';

const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  world: 4,
  exit: { code: 1, signal: null },
  errors: [],
  logs: ['zero', 'one', 'two', 'three'],
  launcher: '',
  gone: [],
  pids: [],
  diskFull: false,
  runDir: '/runs/x',
  hint: 'Resume the run.',
  ...changes,
});

const info = (code: 'train.non_finite' | 'rank.died' | 'rank.hung', message: string, data = {}) => ({
  code,
  message,
  hint: '',
  data,
});

// As Open MPI 4 and 5 write it, broken into lines of their own width.
const signaled = `--------------------------------------------------------------------------
mpirun noticed that process rank 2 with PID 4711 on node alpha exited on
signal 9 (Killed).
--------------------------------------------------------------------------`;
const exited = `mpirun detected that one or more processes exited with non-zero status, thus causing
the job to be terminated. The first process to do so was:

  Process name: [[20717,1],3]
  Exit code:    7
`;

describe('a rank that says why', () => {
  it('is the first that said so, by its event', () => {
    const errors = [
      { rank: 0, timeUs: 20, error: info('rank.died', 'The others are gone.') },
      { rank: 3, timeUs: 30, error: info('train.non_finite', 'The loss of step 7 is NaN.') },
      { rank: 1, timeUs: 40, error: info('train.non_finite', 'The loss of step 7 is NaN.') },
    ];
    const failure = rankFailure(evidence({ errors, launcher: exited }));
    expect(failure).toMatchObject({ code: 'train.non_finite', data: { rank: 3 } });
    expect(failure.message).toBe('Rank 3: The loss of step 7 is NaN.');
  });

  it('may say so in its log only', () => {
    const line = JSON.stringify({ error: info('train.non_finite', 'The loss is NaN.') });
    const failure = rankFailure(evidence({ logs: ['', `loading\n${line}\n`, '', ''] }));
    expect(failure).toMatchObject({ code: 'train.non_finite', data: { rank: 1 } });
  });

  it('may mean another: a watchdog names who hangs', () => {
    const message = 'Rank 0 has waited 60 s in all_reduce of the dp group. Rank 2 does not answer.';
    const line = JSON.stringify({ error: info('rank.hung', message, { rank: 0, missing: [2] }) });
    const failure = rankFailure(evidence({ logs: [line, '', '', ''] }));
    expect(failure).toMatchObject({ code: 'rank.hung', message, data: { rank: 2 } });
  });
});

describe('a rank that says nothing', () => {
  it('is named by mpirun with its signal', () => {
    const failure = rankFailure(evidence({ launcher: signaled, gone: [1] }));
    expect(failure).toMatchObject({ code: 'rank.died', data: { rank: 2, signal: 9, pid: 4711, log: 'two' } });
    expect(failure.message).toBe('Rank 2 (process 4711 on alpha) was ended by signal 9 (Killed).');
    expect(failure.hint).toContain('run out of memory');
  });

  it('has the process id that it told itself, where mpirun knows none any more', () => {
    const launcher = signaled.replace('PID 4711', 'PID 0');
    const failure = rankFailure(evidence({ launcher, pids: [10, 11, 12, 13] }));
    expect(failure.data.pid).toBe(12);
    expect(failure.message).toContain('(process 12 on alpha)');
  });

  it('is named by mpirun with its exit code', () => {
    expect(rankFailure(evidence({ launcher: exited }))).toMatchObject({
      code: 'rank.died',
      message: 'Rank 3 ended with exit code 7 without saying why.',
      data: { rank: 3, code: 7 },
    });
  });

  it('is the one whose process was gone first, when mpirun itself was killed', () => {
    const failure = rankFailure(evidence({ gone: [3, 0], exit: { code: null, signal: 'SIGKILL' } }));
    expect(failure).toMatchObject({ code: 'rank.died', data: { rank: 3, log: 'three' } });
  });

  it('is none when the launcher reached no host', () => {
    const launcher = `ssh: connect to host b port 22: No route to host\r\n${'advice\n'.repeat(40)}`;
    const failure = rankFailure(evidence({ exit: { code: 255, signal: null }, launcher }));
    expect(failure).toMatchObject({ code: 'setup.failed', data: { host: 'b' } });
    expect(failure.data.rank).toBeUndefined();
  });

  it('is not invented', () => {
    const failure = rankFailure(evidence({ exit: { code: 213, signal: null }, launcher: 'no such host' }));
    expect(failure.message).toBe('The launcher of the ranks ended with exit code 213 without saying why.');
    expect(failure.data).toMatchObject({ rank: null, log: 'no such host' });
  });
});
