/** `collie run` and `collie validate`. */
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { CollieError } from '../shared/errors.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { describeRun, followRun } from './follow-run.ts';
import { exitCodes, issueLine, printJson, printNote } from './output.ts';
import { withHost } from './session.ts';
import { readSpecFile } from './spec-file.ts';
import { allowing } from './trust.ts';

export interface RunFlags {
  json: boolean;
  set: string[];
  resume?: string;
  checkpoint?: string;
  detach: boolean;
  trustCallbacks: boolean;
  allowJudge: string[];
}

/** Starts (or resumes) a run and follows it to its end. */
export async function runCommand(specPath: string | undefined, flags: RunFlags): Promise<void> {
  await withHost(async (host) => {
    const id = await begin(host, specPath, flags);
    const { path } = await host.call('runs.get', { id });
    process.stderr.write(pc.dim(`run ${id} in ${path}\n`));
    if (flags.detach) {
      if (flags.json) printJson({ id, path });
      else process.stdout.write(`${id}\n`);
      return;
    }
    report(await followRun(host, id), path, flags.json);
  });
}

async function begin(host: Host, specPath: string | undefined, flags: RunFlags): Promise<string> {
  if (flags.resume !== undefined) {
    if (specPath !== undefined || flags.set.length > 0) {
      throw new CollieError(
        'request.invalid',
        'A resumed run keeps its settings: give no spec and no --set.',
      );
    }
    const id = flags.resume;
    await allowing(host, flags, () => host.call('runs.resume', { id, checkpoint: flags.checkpoint ?? '' }));
    return id;
  }
  if (flags.checkpoint !== undefined)
    throw new CollieError('request.invalid', '--checkpoint goes with --resume: a new run has none.');
  if (specPath === undefined) {
    throw new CollieError(
      'request.invalid',
      'There is nothing to run.',
      'Give a spec file, or --resume with a run id.',
    );
  }
  const spec = readSpecFile(specPath, flags.set, printNote);
  const { id } = await allowing(host, flags, () => host.call('runs.start', { spec }));
  return id;
}

/** Prints how a run ended and sets the exit code. */
export function report(status: RunStatus, path: string, json: boolean): void {
  if (status.state === 'stopped') process.exitCode = exitCodes.interrupted;
  if (json) printJson({ ...status, path });
  if (status.error && !json) throw CollieError.fromInfo(status.error);
  if (status.error) process.exitCode = exitCodes.failed;
  if (json) return;
  process.stdout.write(`${describeRun(status)}\n`);
  if (status.checkpoint) process.stdout.write(`checkpoint ${status.checkpoint} in ${path}\n`);
  if (status.state === 'stopped')
    process.stdout.write(pc.dim(`go on with: collie run --resume ${status.id}\n`));
}

/** Prints `path: message` for each problem, or what would run. */
export async function validateCommand(
  specPath: string,
  flags: { json: boolean; set: string[] },
): Promise<void> {
  await withHost(async (host) => {
    const result = await host.call('spec.validate', { spec: readSpecFile(specPath, flags.set, printNote) });
    if (result.issues.length > 0) process.exitCode = exitCodes.failed;
    if (flags.json) return printJson(result);
    for (const issue of result.issues) process.stdout.write(`${issueLine(issue)}\n`);
    if (result.issues.length > 0) return;
    for (const line of result.preview?.summary ?? []) process.stdout.write(`${line}\n`);
    for (const line of result.preview?.warnings ?? [])
      process.stdout.write(`${pc.yellow('warning')} ${line}\n`);
    process.stdout.write(`${pc.green('valid')}\n`);
  });
}
