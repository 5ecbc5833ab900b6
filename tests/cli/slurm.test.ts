/** The batch script for Slurm: what it asks for, and that a shell reads it as it was meant. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { batchScript } from '../../electron/cli/slurm.ts';

const command = ['/usr/bin/node', '/opt/my collie/main.js', 'run', "/data/it's.json", '--set', 'seed=1'];
const job = { name: 'My run, 2', ranks: 16, device: 'cuda', command };

it('asks for hosts, ranks, cores and GPUs, and for time to save', () => {
  const script = batchScript(job, { set: [], nodes: 2, cpus: 4, time: '2:00:00', partition: 'gpu' });
  const asked = script.split('\n').filter((line) => line.startsWith('#SBATCH '));
  expect(asked.map((line) => line.slice(8))).toEqual([
    '--job-name=My-run-2',
    '--nodes=2',
    '--ntasks=16',
    '--ntasks-per-node=8',
    '--cpus-per-task=4',
    '--gpus-per-task=1',
    '--gpu-bind=none',
    '--time=2:00:00',
    '--partition=gpu',
    '--signal=B:TERM@300',
  ]);
});

it('asks for no GPUs on a CPU, and leaves to Slurm what it is not told', () => {
  const script = batchScript({ ...job, device: 'cpu', name: '' }, { set: [], nodes: 1, cpus: 2 });
  expect(script).not.toMatch(/gpu|time=|partition/);
  expect(script).toContain('--job-name=collie');
});

it('runs the command as one program, whatever is in its paths', () => {
  const script = batchScript(job, { set: [], nodes: 1, cpus: 1 }).replace('exec ', 'exec printf "%s\\n" ');
  const { stdout } = spawnSync('bash', ['-s'], { input: script, encoding: 'utf8' });
  expect(stdout.trimEnd().split('\n')).toEqual(command);
});
