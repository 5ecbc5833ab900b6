/** The command that starts the ranks, for one and for several, on one host and on more. */
import { describe, expect, it } from 'vitest';
import { parallelSchema, ranksPerHost } from '../../electron/shared/spec/parallel-fields.ts';
import {
  type LaunchSettings,
  launchCommand,
  trainArguments,
} from '../../electron/supervisor/rank-command.ts';

const settings = (changes: Partial<LaunchSettings> = {}): LaunchSettings => ({
  program: '/opt/collie-rank',
  mpirun: () => '/usr/bin/mpirun',
  runDir: '/runs/a b',
  work: trainArguments('/runs/a b', null),
  parallel: parallelSchema.parse({ dp_size: 2, tp_size: 2, pp_size: 2 }),
  hosts: [],
  threads: 0,
  cores: 16,
  isRoot: false,
  rankEnv: { GOMP_SPINCOUNT: '7' },
  allotted: false,
  ...changes,
});

/** The value behind an argument. */
const behind = (args: string[], name: string) => args[args.indexOf(name) + 1];

it('is collie-rank itself for one rank, without looking for mpirun', () => {
  const mpirun = () => {
    throw new Error('not needed');
  };
  const one = settings({
    parallel: parallelSchema.parse({}),
    mpirun,
    work: trainArguments('/runs/a b', 'step-00000010'),
  });
  expect(launchCommand(one)).toEqual({
    command: '/opt/collie-rank',
    args: ['train', '--run', '/runs/a b', '--resume', 'step-00000010'],
    env: { GOMP_SPINCOUNT: '7' },
  });
});

describe('several ranks', () => {
  it('are started by mpirun, each with its log, in the order of their places', () => {
    const { command, args, env } = launchCommand(
      settings({ work: trainArguments('/runs/a b', 'step-00000010') }),
    );
    expect(command).toBe('/usr/bin/mpirun');
    expect(behind(args, '-n')).toBe('8');
    expect(behind(args, '--bind-to')).toBe('none');
    expect(behind(args, '--map-by')).toBe('slot');
    expect(args).toContain('--oversubscribe');
    expect(args.slice(args.indexOf('rank'))).toEqual([
      'rank',
      '/runs/a b/logs',
      '/opt/collie-rank',
      ...['train', '--run', '/runs/a b', '--resume', 'step-00000010', '--threads', '2'],
    ]);
    expect(env).toEqual({ GOMP_SPINCOUNT: '7' });
    expect(behind(args, '-x')).toBe('GOMP_SPINCOUNT');
  });

  it('share out the cores of their host, unless a number of threads is asked for', () => {
    expect(behind(launchCommand(settings({ cores: 4 })).args, '--threads')).toBe('1');
    expect(behind(launchCommand(settings({ threads: 3 })).args, '--threads')).toBe('3');
    const hosts = ['a:2', 'b:6'];
    expect(behind(launchCommand(settings({ cores: 12, hosts })).args, '--threads')).toBe('2');
    // A batch system gives cores per rank.
    expect(behind(launchCommand(settings({ cores: 4, allotted: true })).args, '--threads')).toBe('4');
  });

  it('fill the hosts that are given, and the slots of a batch system, never more', () => {
    const { args } = launchCommand(settings({ hosts: ['node1:4', 'node2:4'] }));
    expect(behind(args, '--host')).toBe('node1:4,node2:4');
    expect(behind(args, 'orte_keep_fqdn_hostnames')).toBe('1');
    expect(args).not.toContain('--oversubscribe');
    expect(launchCommand(settings({ allotted: true })).args).not.toContain('--oversubscribe');
  });

  it('may be started by root', () => {
    expect(launchCommand(settings({ isRoot: true })).env).toHaveProperty('OMPI_ALLOW_RUN_AS_ROOT', '1');
  });
});

it('counts the ranks of the fullest host', () => {
  expect(ranksPerHost(8, [])).toBe(8);
  expect(ranksPerHost(8, ['a:6', 'b:6'])).toBe(6);
  expect(ranksPerHost(3, ['a', 'b:8'])).toBe(2);
});
