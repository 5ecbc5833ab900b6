/** What mpirun and ssh write when no rank could be started, as they write it. */
import { describe, expect, it } from 'vitest';
import { launcherFailure } from '../../electron/supervisor/launcher-failure.ts';

const advice = `--------------------------------------------------------------------------
ORTE was unable to reliably start one or more daemons.
This usually is caused by:

* not finding the required libraries and/or binaries on
  one or more nodes. Please check your PATH and LD_LIBRARY_PATH
  settings, or configure OMPI with --enable-orterun-prefix-by-default
${'* something else\n'.repeat(30)}`;

describe('a launcher that started nothing', () => {
  it.each([
    [
      'ssh: Could not resolve hostname node7.example: Name or service not known\r',
      'The host node7.example could not be reached to start its ranks: ssh: Could not resolve hostname node7.example: Name or service not known.',
      '`ssh node7.example true` must work from here',
    ],
    [
      'ssh: connect to host node7 port 22: Connection timed out\r',
      'The host node7 could not be reached to start its ranks: ssh: connect to host node7 port 22: Connection timed out.',
      '`ssh node7 true`',
    ],
    [
      'anna@node7: Permission denied (publickey,password).\r',
      'The host node7 let nobody log in to start its ranks: anna@node7: Permission denied (publickey,password).',
      'a login with a key',
    ],
    ['Host key verification failed.\r', 'not known to ssh yet', 'accept its key'],
    [
      'bash: line 1: orted: command not found',
      'has no Open MPI: bash: line 1: orted',
      'Install Open MPI there',
    ],
    [
      'There are not enough slots available in the system to satisfy the 16\nslots that were requested',
      '16 ranks need as many slots, and there are fewer.',
      '`collie slurm`',
    ],
  ])('%s', (line, message, hint) => {
    const failure = launcherFailure(`${line}\n${advice}`);
    expect(failure?.code).toBe('setup.failed');
    expect(failure?.message).toContain(message);
    expect(failure?.hint).toContain(hint);
    expect(failure?.data.log).toContain(line.trim());
  });

  it('is not explained by what is not known', () => {
    expect(launcherFailure(advice)).toBeNull();
  });
});
