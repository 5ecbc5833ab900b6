/**
 * What mpirun and ssh say when they could not start the ranks at all, as an error of ours: there is no rank to name then, and what the
 * log ends with is advice of Open MPI for every cause.
 */
import { CollieError } from '../shared/errors.ts';

interface Cause {
  says: RegExp;
  message: (line: string, host: string) => string;
  hint: (host: string) => string;
}

const login = (host: string) => `\`ssh ${host} true\` must work from here without a password.`;

const causes: readonly Cause[] = [
  {
    says: /^ssh: (?:Could not resolve hostname|connect to host) ([^\s:]+).*$/m,
    message: (line, host) => `The host ${host} could not be reached to start its ranks: ${line}.`,
    hint: (host) => `Check its name in \`hosts\`: ${login(host)}`,
  },
  {
    says: /^(?:\S+@)?(\S+): Permission denied \(.*$/m,
    message: (line, host) => `The host ${host} let nobody log in to start its ranks: ${line}.`,
    hint: (host) => `Set up a login with a key: ${login(host)}`,
  },
  {
    says: /^Host key verification failed\.?$/m,
    message: () => 'A host of `hosts` is not known to ssh yet, so nobody can log in to start its ranks.',
    hint: () => 'Log in to each of them once by hand and accept its key.',
  },
  {
    says: /^.*\borted: (?:command not found|not found|No such file or directory).*$/m,
    message: (line) => `A host of \`hosts\` has no Open MPI: ${line}.`,
    hint: () =>
      'Install Open MPI there, the same version as here, so that `orted` is in the PATH of a login.',
  },
  {
    says: /^There are not enough slots available in the system to satisfy the (\d+)/m,
    message: (_, ranks) => `${ranks} ranks need as many slots, and there are fewer.`,
    hint: () =>
      'Ask the batch system for as many tasks as there are ranks; `collie slurm` writes a script that does.',
  },
];

/** Null when it says none of what is known. `log`: all that the launcher wrote in this attempt. */
export function launcherFailure(log: string): CollieError | null {
  for (const { says, message, hint } of causes) {
    const found = says.exec(log);
    if (!found) continue;
    const host = found[1] ?? '';
    const line = found[0].replace(/\.$/, '').trim();
    return new CollieError('setup.failed', message(line, host), hint(host), { host, log: head(log) });
  }
  return null;
}

const LINES = 20;
/** The cause comes first, advice for all causes behind it. */
export const head = (log: string): string => log.trim().split('\n').slice(0, LINES).join('\n');
