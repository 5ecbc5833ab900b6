/** environment.json: what a run was made with, so that it can be understood and repeated later. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { productVersion } from '../server/host/system.ts';
import { type EngineBuild, installRoot, native } from '../server/native/addon.ts';
import { requireRank } from '../server/rank/rank.ts';
import { writeJsonAtomic } from '../server/runs/folder.ts';
import { environmentOf } from '../server/runs/rebuild.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

export interface Attempt {
  attempt: number;
  startedAt: string;
  resumedFrom: string | null;
}

/** Adds this attempt; the attempts before it stay. What cannot be found out is null, never a reason to fail. */
export async function recordEnvironment(runDir: string, spec: RunSpec, attempt: Attempt): Promise<void> {
  const former = environmentOf(runDir).attempts;
  const [engine, commit] = await Promise.all([engineInfo(spec.device), gitCommit()]);
  writeJsonAtomic(join(runDir, runFiles.environment), {
    v: 1,
    collie: { version: productVersion(), commit },
    node: process.version,
    platform: { system: process.platform, release: release(), arch: arch(), host: hostname() },
    cpu: { model: cpus()[0]?.model ?? null, threads: cpus().length, memoryBytes: totalmem() },
    engine,
    devices: devices(),
    seeds: { run: spec.seed },
    attempts: [...(Array.isArray(former) ? former : []), attempt],
  });
}

async function engineInfo(build: EngineBuild): Promise<unknown> {
  try {
    const { stdout } = await run(requireRank(build), ['info'], { timeout: TIMEOUT_MS });
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}

async function gitCommit(): Promise<string | null> {
  if (!existsSync(join(installRoot(), '.git'))) return null;
  try {
    const { stdout } = await run('git', ['-C', installRoot(), 'rev-parse', 'HEAD'], { timeout: TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return null;
  }
}

function devices(): unknown {
  try {
    return native((addon) => addon.devices());
  } catch {
    return null;
  }
}
