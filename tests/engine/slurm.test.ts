/** Ranks under Slurm: started by mpirun and by srun inside a batch job. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorLines, faultyRanks, gone, mpirunEnvironment, parallelTests } from '../support/mpirun.ts';
import { noSlurm, type Slurm, startSlurm } from '../support/slurm.ts';

let slurm: Slurm;
beforeAll(async () => {
  if (!noSlurm) slurm = await startSlurm(8);
});
afterAll(() => slurm?.stop());

const { OMPI_ALLOW_RUN_AS_ROOT, OMPI_ALLOW_RUN_AS_ROOT_CONFIRM } = mpirunEnvironment;
const batch = (ranks: number, command: string) => `#!/bin/bash
#SBATCH --ntasks=${ranks}
export OMPI_ALLOW_RUN_AS_ROOT=${OMPI_ALLOW_RUN_AS_ROOT} OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM}
export OMPI_MCA_mpi_yield_when_idle=1
${command}
`;

test.skipIf(noSlurm).each([
  ['mpirun --bind-to none', 4],
  ['srun --mpi=pmix', 4],
  ['mpirun --bind-to none', 8],
])('%s starts all ranks of a batch job of %i', async (launcher, ranks) => {
  const { state, output } = await slurm.run(
    batch(ranks, `${launcher} ${parallelTests} -tce='tensor*,layouts*'`),
  );
  expect(output).toMatch(/\| +0 failed/);
  expect(output).not.toMatch(/\| +0 passed/);
  expect(state).toBe('COMPLETED');
});

test.skipIf(noSlurm).each(['mpirun --bind-to none', 'srun --mpi=pmix'])(
  'a rank that hangs fails the job (%s)',
  async (launcher) => {
    const word = `2.000${process.pid}${launcher.length}`;
    const { state, output } = await slurm.run(batch(3, `${launcher} ${faultyRanks} stop 1 ${word}`));
    expect(state).toBe('FAILED');
    expect(errorLines(output)).toMatchObject([{ code: 'rank.hung', data: { missing: [1] } }]);
    expect(await gone(word, 5)).toBe(true);
  },
);
