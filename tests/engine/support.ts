/** Drives the real collie-rank on a tiny random model, as a supervisor would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { rankEnvironment } from '../../electron/server/rank/rank.ts';
import { errorInfoSchema } from '../../electron/shared/error-info.ts';
import type { ErrorInfo } from '../../electron/shared/errors.ts';
import type { EventType, RunEvent } from '../../electron/shared/runs/events.ts';
import { checkpointName } from '../../electron/shared/runs/run-folder.ts';
import type { RunSpec } from '../../electron/shared/spec/run-spec.ts';
import { launchCommand, trainArguments } from '../../electron/supervisor/rank-command.ts';
import { eventsOf, makeRun, readEvents, type SpecPatch } from '../support/rank.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { countingDocuments, type TokenDocument } from '../support/token-store.ts';

/** Why the engine's tests cannot run here, or null. Printed once a file. */
export const noEngine = existsSync(rankExecutable())
  ? null
  : `Engine tests are skipped: ${rankExecutable()} is not built (node native/setup.mjs).`;
if (noEngine) console.warn(noEngine);

/** A folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'collie-engine-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export { countingDocuments };

export const quick: SpecPatch = {
  method: { type: 'lora', rank: 4, alpha: 8 },
  optimizer: { type: 'adamw', learning_rate: 0.01 },
  batch: { micro_batch_size: 2, grad_accum_steps: 2, seq_len: 64 },
  duration: { unit: 'steps', value: 6 },
  checkpoint: { every_steps: 0, keep: 2 },
  precision: 'fp32',
  threads: 1,
};

let made = 0;
/** A run folder with its own copy of a tiny model, or over one that is there. */
export function tinyRun(
  root: string,
  spec: SpecPatch = {},
  evaluation: TokenDocument[] = [],
  shared: string | null = null,
): string {
  const place = join(root, `run-${made++}`);
  const model = shared ?? makeTinyModel(join(place, 'model'), { dtype: 'F32', tied: true });
  return makeRun(join(place, 'run'), model, { ...quick, ...spec }, countingDocuments(20, 3), evaluation);
}

/** As it is: what is wrong with it is for the engine to say. */
const readSpec = (run: string): RunSpec => JSON.parse(readFileSync(join(run, 'spec.json'), 'utf8'));

/** Another layout for a run that is there, with the same global batch; what the workbench does not offer, and the engine takes. */
export function layOut(run: string, parallel: Partial<RunSpec['parallel']>): void {
  const spec = readSpec(run);
  const { dp_size } = { ...spec.parallel, ...parallel };
  const grad_accum_steps = (spec.batch.grad_accum_steps * spec.parallel.dp_size) / dp_size;
  const batch = { ...spec.batch, grad_accum_steps };
  const changed = { ...spec, batch, parallel: { ...spec.parallel, ...parallel } };
  writeFileSync(join(run, 'spec.json'), JSON.stringify(changed));
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

export class TrainProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #run: string;
  #over = false;

  /** `work`: another command of collie-rank than to train. */
  constructor(run: string, resume?: string, work = trainArguments(run, resume ?? null)) {
    this.#run = run;
    const { parallel, hosts, threads } = readSpec(run);
    const { command, args, env } = launchCommand({
      program: rankExecutable(),
      mpirun: () => 'mpirun',
      runDir: run,
      work,
      parallel,
      hosts,
      threads,
      cores: 1,
      rankEnv: rankEnvironment(),
      isRoot: process.getuid?.() === 0,
      allotted: false,
    });
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let stderr = '';
    this.child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        this.#over = true;
        resolve({ code, signal, stderr });
      });
    });
  }

  send(command: string, more: object = {}): void {
    this.child.stdin?.write(`${JSON.stringify({ command, ...more })}\n`);
  }

  /** The first event that fits, as soon as it is in the file; the process must write it before it ends. */
  async event(type: EventType, fits: (event: RunEvent) => boolean = () => true): Promise<RunEvent> {
    const find = () =>
      existsSync(join(this.#run, 'events/rank-000.jsonl'))
        ? wholeEvents(this.#run).find((event) => event.type === type && fits(event))
        : undefined;
    const watcher = watch(join(this.#run, 'events'));
    try {
      for (let found = find(); ; found = find()) {
        if (found) return found;
        if (this.#over) throw new Error(`The rank ended without the event: ${(await this.ended).stderr}`);
        await Promise.race([new Promise((resolve) => watcher.once('change', resolve)), this.ended]);
      }
    } finally {
      watcher.close();
    }
  }
}

/** Events of a file that may be growing: a torn last line is left out. */
export function wholeEvents(run: string): RunEvent[] {
  const text = readFileSync(join(run, 'events/rank-000.jsonl'), 'utf8');
  if (!text.includes('\n')) return [];
  return eventsOf(text.slice(0, text.lastIndexOf('\n')));
}

/** Trains to the end; throws unless it ends well. */
export async function trainToEnd(run: string, resume?: string): Promise<RunEvent[]> {
  const { code, stderr } = await new TrainProcess(run, resume).ended;
  if (code !== 0) throw new Error(`collie-rank ended with ${code}: ${stderr}`);
  return readEvents(run);
}

/** Trains; it must fail with exit code 1 and one error line. */
export async function trainToError(run: string, resume?: string): Promise<ErrorInfo> {
  const { code, stderr } = await new TrainProcess(run, resume).ended;
  if (code !== 1) throw new Error(`expected exit code 1, received ${code}: ${stderr}`);
  return errorOf(stderr);
}

/** Everything that was trained up to a step, shard by shard. */
export function weightsAt(run: string, step: number): Record<string, string> {
  const folder = join(run, 'checkpoints', checkpointName(step));
  const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  if (files.length === 0) throw new Error(`${folder} has no weights.`);
  return Object.fromEntries(files.map((name) => [name, fileBytes(folder, name)]));
}

export function errorOf(stderr: string): ErrorInfo {
  const line = stderr.split('\n').findLast((text) => text.startsWith('{"error"'));
  if (!line) throw new Error(`no error line in: ${stderr}`);
  return errorInfoSchema.parse(JSON.parse(line).error);
}

export function payloads<T extends EventType>(events: RunEvent[], type: T) {
  return events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
}

type Measured = Record<
  'loss' | 'perplexity' | 'epoch' | 'tokens' | 'target_tokens' | 'memory_bytes',
  number
> & {
  curvature_seconds?: number;
};

/** Metrics of all steps, or of all evaluations, with their steps. */
export const metricsOf = (events: RunEvent[], type: 'step' | 'eval') =>
  payloads(events, type).map(({ step, payload }) => ({ ...(payload.metrics as Measured), step }));

export function checkpoints(run: string): string[] {
  return readdirSync(join(run, 'checkpoints')).sort();
}

export const fileBytes = (...parts: string[]) => readFileSync(join(...parts)).toString('base64');
