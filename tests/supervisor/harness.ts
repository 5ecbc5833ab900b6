/** A COLLIE_HOME in a temporary folder, runs over the fake rank, and waiting for states instead of sleeping. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readStatus, readSupervisorFile, writeJsonAtomic } from '../../electron/server/runs/folder.ts';
import { isAlive } from '../../electron/server/runs/process.ts';
import { RunRegistry } from '../../electron/server/runs/registry.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { type RunSpec, runSpecSchema } from '../../electron/shared/spec/run-spec.ts';

export const fakeRank = resolve(import.meta.dirname, '../fixtures/rank/fake-rank.mjs');

export interface FakeBehaviour {
  steps?: number;
  stepMs?: number;
  checkpointEvery?: number;
  dieAt?: {
    step: number;
    how: 'kill' | 'exit' | 'error' | 'torn' | 'full';
    rank?: number;
    attempts?: number;
    fromStart?: boolean;
  };
  ignoreStop?: boolean;
  stepsPerEpoch?: number;
  evalEvery?: number;
  evalLoss?: number;
  evalRise?: number;
}

export function exampleSpec(home: string): RunSpec {
  return runSpecSchema.parse({
    name: 'Fake run',
    model: join(home, 'model'),
    dataset: {
      train: join(home, 'rows.jsonl'),
      mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' },
    },
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
  });
}

export class FakeHome {
  readonly home: string;
  readonly registry: RunRegistry;

  constructor(home = mkdtempSync(join(tmpdir(), 'collie-test-'))) {
    process.env.COLLIE_RANK = fakeRank;
    this.home = home;
    mkdirSync(join(home, 'model'), { recursive: true });
    chmodSync(this.home, 0o700);
    this.registry = new RunRegistry(this.home);
  }

  /** A run whose data is there already. */
  create(behaviour: FakeBehaviour = {}, spec: Partial<RunSpec> = {}): string {
    const id = this.registry.create({ ...exampleSpec(this.home), ...spec });
    const dir = this.registry.dir(id);
    mkdirSync(join(dir, 'data'), { recursive: true });
    writeFileSync(join(dir, 'data/meta.json'), '{}');
    writeFileSync(join(dir, 'fake.json'), JSON.stringify(behaviour));
    return id;
  }

  /** A run that was stopped before its first step, so that `resume` starts it. */
  createStopped(behaviour: FakeBehaviour = {}): string {
    const id = this.create(behaviour);
    const dir = this.registry.dir(id);
    writeJsonAtomic(join(dir, 'status.json'), { ...readStatus(dir), state: 'stopped' });
    return id;
  }

  /** The status once `test` holds; the run's files are looked at every 20 ms. */
  async until(id: string, test: (status: RunStatus) => boolean, timeoutMs = 180_000): Promise<RunStatus> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const status = this.registry.status(id);
      if (test(status)) return status;
      if (Date.now() > end) throw new Error(`still ${JSON.stringify(status)}\n${this.log(id)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  log(id: string): string {
    try {
      return readFileSync(join(this.registry.dir(id), 'logs/supervisor.log'), 'utf8');
    } catch {
      return '(no log)';
    }
  }

  events(id: string): { seq: number; type: string; step: number }[] {
    const text = readFileSync(join(this.registry.dir(id), 'events/rank-000.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  /** Ends whatever a test left running, then deletes the folder. */
  remove(): void {
    for (const id of this.registry.ids()) {
      const file = readSupervisorFile(join(this.home, 'runs', id));
      for (const owned of [file?.supervisor, file?.rank]) {
        if (owned && isAlive(owned)) process.kill(owned.pid, 'SIGKILL');
      }
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
