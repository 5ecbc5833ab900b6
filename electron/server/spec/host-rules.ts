/** What only the host knows of a layout: the hosts of a spec, which the engine never sees. All else is in shared/spec/rules.ts. */
import { parseHost, worldSize } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec, SpecIssue } from '../../shared/spec/run-spec.ts';
import { issue } from './issue.ts';

type HostParts = Pick<RunSpec, 'parallel' | 'hosts'>;

export interface HostRule {
  id: string;
  /** What is refused and why, in words for the docs. */
  refused: string;
  reason: string;
  /** The issue with its numbers; null when the spec is fine. */
  check(parts: HostParts): SpecIssue | null;
}

const hostNames: HostRule = {
  id: 'hosts',
  refused: '`hosts` that are no `name:slots`, or twice the same',
  reason: 'They go to mpirun as they are.',
  check({ hosts }) {
    const wrong = hosts.find((host) => parseHost(host) === null);
    if (wrong !== undefined) {
      const message = `"${wrong}" is no host.`;
      return issue('hosts', 'invalid', message, wrong, 'Write a name or an address and its ranks: node1:8.');
    }
    const names = hosts.map((host) => parseHost(host)?.name ?? '');
    const twice = names.find((name, k) => names.indexOf(name) !== k);
    if (twice === undefined) return null;
    const message = `The host ${twice} is there twice.`;
    return issue('hosts', 'invalid', message, hosts, 'Write it once, with all its ranks.');
  },
};

const slots: HostRule = {
  id: 'slots',
  refused: '`hosts` with fewer slots than ranks',
  reason: 'Every rank needs a slot.',
  check({ parallel, hosts }) {
    const there = hosts.reduce((sum, host) => sum + (parseHost(host)?.slots ?? 0), 0);
    const world = worldSize(parallel);
    if (hosts.length === 0 || there >= world) return null;
    const { dp_size, tp_size, pp_size } = parallel;
    const message = `${world} ranks (dp ${dp_size} x tp ${tp_size} x pp ${pp_size}) need as many slots; the hosts have ${there}.`;
    return issue('hosts', 'too_small', message, hosts, 'Add hosts or slots, or lower a parallel size.');
  },
};

export const hostRules: readonly HostRule[] = [hostNames, slots];

export const hostIssues = (parts: HostParts): SpecIssue[] =>
  hostRules.flatMap((rule) => rule.check(parts) ?? []);
