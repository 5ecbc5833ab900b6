/** The batch script for Slurm: what it asks for, and that a shell reads it as it was meant. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { batchScript, type SlurmFlags, slurmCommand } from '../../electron/cli/slurm.ts';

const command = ['/usr/bin/node', '/opt/my collie/main.js', 'run', "/data/it's.json", '--set', 'seed=1'];
const job = { name: 'My run, 2', ranks: 16, device: 'cuda', command };

it('asks for hosts, ranks, cores and GPUs, and for time to save', () => {
  const script = batchScript(job, { nodes: 2, cpus: 4, time: '2:00:00', partition: 'gpu' });
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
  const script = batchScript({ ...job, device: 'cpu', name: '' }, { nodes: 1, cpus: 2 });
  expect(script).not.toMatch(/gpu|time=|partition/);
  expect(script).toContain('--job-name=collie');
});

it('runs the command as one program, whatever is in its paths', () => {
  const script = batchScript(job, { nodes: 1, cpus: 1 }).replace('exec ', 'exec printf "%s\\n" ');
  const { stdout } = spawnSync('bash', ['-s'], { input: script, encoding: 'utf8' });
  expect(stdout.trimEnd().split('\n')).toEqual(command);
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'collie-slurm-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'spec.json');
  async function printed(spec: object, flags: Partial<SlurmFlags> = {}): Promise<string> {
    writeFileSync(file, JSON.stringify(spec));
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await slurmCommand(file, { json: false, set: [], nodes: 1, ...flags });
      return write.mock.calls.map(([text]) => String(text)).join('');
    } finally {
      write.mockRestore();
    }
  }

  it("gives a rank as many cores as the spec's threads, or what it is told", async () => {
    const spec = { parallel: { tp_size: 2 }, threads: 6 };
    expect(await printed(spec)).toContain('--cpus-per-task=6');
    expect(await printed(spec, { cpus: 3 })).toContain('--cpus-per-task=3');
    expect(await printed({ ...spec, threads: 0 })).toContain('--cpus-per-task=1');
  });

  it('writes JSON when asked', async () => {
    expect(JSON.parse(await printed({}, { json: true })).script).toMatch(/^#!\/bin\/bash\n/);
  });

  it('refuses what the job would stumble over, with the numbers', async () => {
    await expect(printed({ parallel: { dp_size: 2 } }, { nodes: 4 })).rejects.toMatchObject({
      code: 'request.invalid',
      message: '4 hosts are more than the 2 ranks of the spec.',
    });
    await expect(printed({ hosts: ['a:2'] })).rejects.toMatchObject({
      code: 'spec.invalid',
      message: expect.stringContaining('a:2'),
    });
    await expect(printed({ parallel: { dp_size: 0 } })).rejects.toMatchObject({
      code: 'spec.invalid',
      data: { issues: [{ path: 'parallel.dp_size', received: 0 }] },
    });
  });
});
