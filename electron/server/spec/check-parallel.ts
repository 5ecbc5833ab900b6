/** The layout of a run against its own settings, the model, and the machine. */
import { availableParallelism } from 'node:os';
import { toErrorInfo } from '../../shared/errors.ts';
import { bubbleShare, worldSize } from '../../shared/spec/parallel-fields.ts';
import { allotment } from '../rank/batch-system.ts';
import type { Findings, Found, SpecContext } from './context.ts';
import { hostIssues } from './host-rules.ts';
import { issue, type Parts } from './issue.ts';

/** Waiting of more than this share of a step is told. */
const LARGE_BUBBLE = 0.3;

function checkLauncher(world: number, context: SpecContext, findings: Findings): void {
  try {
    context.mpirun();
  } catch (thrown) {
    const { code, message, hint } = toErrorInfo(thrown);
    findings.issues.push(issue('parallel', code, message, world, hint));
  }
}

function checkDevices({ device, parallel, hosts }: Parts, found: Found, findings: Findings): void {
  // Of other hosts, those of the spec or of a batch job, nothing is known here.
  if (!parallel || !hosts || hosts.length > 0 || allotment(hosts)) return;
  const world = worldSize(parallel);
  const grid = `dp ${parallel.dp_size} x tp ${parallel.tp_size} x pp ${parallel.pp_size}`;
  if (device === 'cuda') {
    const gpus = found.devices.filter(({ kind }) => kind === 'cuda').length;
    if (gpus === 0 || world <= gpus) return; // Without any, the device itself is the problem.
    const message = `${world} ranks (${grid}) need a GPU each; this machine has ${gpus}.`;
    const fix = `Choose sizes whose product is ${gpus} or less, or name more hosts.`;
    findings.issues.push(issue('parallel', 'too_big', message, world, fix));
    return;
  }
  const cores = availableParallelism();
  if (world <= cores) return;
  const message = `${world} ranks (${grid}) share ${cores} cores: right, but slower than ${cores} or fewer.`;
  findings.warnings.push(issue('parallel', 'unusual', message, world, ''));
}

function checkPipeline({ parallel, batch }: Parts, findings: Findings): void {
  if (!parallel || !batch || parallel.pp_size === 1) return;
  const share = bubbleShare(parallel, batch.grad_accum_steps);
  if (share <= LARGE_BUBBLE) return;
  const message = `With ${batch.grad_accum_steps} micro-batches for ${parallel.pp_size} stages, each stage waits ${Math.round(100 * share)}% of a step.`;
  const fix = `Raise batch.grad_accum_steps, e.g. to ${4 * parallel.pp_size}, and lower batch.micro_batch_size.`;
  findings.warnings.push(issue('parallel.pp_size', 'costly', message, parallel.pp_size, fix));
}

function checkRecovery({ recovery, checkpoint }: Parts, findings: Findings): void {
  if (!recovery || !checkpoint || recovery.max_restarts === 0 || checkpoint.every_steps > 0) return;
  const message =
    'Without checkpoints on the way, a restart begins at step 0 again, and as no attempt saves anything there is one at most.';
  findings.warnings.push(
    issue('recovery.max_restarts', 'costly', message, recovery.max_restarts, 'Set checkpoint.every_steps.'),
  );
}

export function checkParallel(parts: Parts, found: Found, context: SpecContext, findings: Findings): void {
  const { parallel, batch, hosts } = parts;
  checkRecovery(parts, findings);
  if (!parallel || !batch || !hosts) return;
  findings.issues.push(...hostIssues({ parallel, hosts }));
  if (worldSize(parallel) > 1 || hosts.length > 0) checkLauncher(worldSize(parallel), context, findings);
  checkDevices(parts, found, findings);
  if (findings.issues.length === 0) checkPipeline(parts, findings);
}
