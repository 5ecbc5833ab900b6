/**
 * A queue of real runs, of whose processes one after another is killed at a drawn moment: the one that starts them, a supervisor, a training
 * process, or all at once as when a machine goes down. No entry is lost, none is started twice, and all end with the weights of a run that
 * nobody disturbed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { LOCK_FILE } from '../../electron/server/queue/runner.ts';
import { QueueService } from '../../electron/server/queue/service.ts';
import { readSupervisorFile } from '../../electron/server/runs/folder.ts';
import { lockHolder } from '../../electron/server/runs/lock.ts';
import { isAlive, type ProcessRef } from '../../electron/server/runs/process.ts';
import { RunRegistry } from '../../electron/server/runs/registry.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import { type RunSpec, runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { fileBytes, noEngine, temporaryFolder } from '../engine/support.ts';
import { jsonl } from '../server/datasets/fixtures.ts';
import { uniform } from '../support/random.ts';
import { readEvents } from '../support/rank.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { QUEUE_KILLS, report, SEED } from './campaign.ts';

const STEPS = 40;
const LAST = `step-${String(STEPS).padStart(8, '0')}`;
/** In line at once. */
const BATCH = 3;
const MOST_MS = 4000;
const MENDED_MS = 180_000;
/** What is mended by itself, of each run: one attempt whose supervisor ended, and training processes that save checkpoints between their ends. */
const MOST = { supervisor: 1, rank: 1 } as const;
type Victim = 'queue' | 'machine' | keyof typeof MOST;

describe.skipIf(noEngine)('a queue of real runs', () => {
  const home = temporaryFolder();
  const registry = new RunRegistry(home);
  const queue = new QueueService(home, registry);
  const hits = new Map<string, { supervisor: number; rank: number }>();
  const hitsOf = (id: string) => hits.get(id) ?? { supervisor: 0, rank: 0 };

  afterEach(() => {
    queue.set({ paused: true });
    const held = [lockHolder(join(home, LOCK_FILE))];
    for (const id of registry.ids()) {
      const file = readSupervisorFile(registry.dir(id));
      held.push(file?.supervisor ?? null, file?.rank ?? null);
    }
    for (const one of held) kill(one);
  });

  function newSpec(): RunSpec {
    const train = join(home, 'rows.jsonl');
    const rows = Array.from({ length: 40 }, (_, k) => ({ question: `What is ${k}?`, answer: `It is ${k}.` }));
    writeFileSync(train, jsonl(rows));
    const model = makeTinyModel(join(home, 'models/tiny'), { dtype: 'F32', tied: true });
    return runSpecSchema.parse({
      ...{ name: 'Killed', model, precision: 'fp32', threads: 1, sampling: { prompts: [] } },
      dataset: { train, mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'answer' } },
      method: { type: 'lora', rank: 4, alpha: 8 },
      optimizer: { type: 'adamw', learning_rate: 0.01 },
      batch: { micro_batch_size: 2, grad_accum_steps: 2, seq_len: 160 },
      duration: { unit: 'steps', value: STEPS },
      evaluation: { every_steps: 20 },
      checkpoint: { every_steps: 1, keep: 2 },
      recovery: { max_restarts: 10 },
    });
  }

  async function ended(id: string): Promise<void> {
    let failedSince: number | null = null;
    for (;;) {
      const { state, error } = registry.status(id);
      if (state === 'completed') return;
      // One whose supervisor was killed shows as failed until the queue has resumed it.
      failedSince = state === 'failed' ? (failedSince ?? Date.now()) : null;
      const patience = hitsOf(id).supervisor > 0 ? MENDED_MS : 0;
      if (failedSince !== null && Date.now() - failedSince >= patience)
        throw new Error(`${id} stays failed: ${error?.message}`);
      queue.ensureRunner();
      await delay(300);
    }
  }

  /** Processes to kill now, as drawn; the one that starts runs where the drawn victim is not there. */
  function victims(draw: number): { kind: Victim; processes: (ProcessRef | null)[] } {
    const starter = lockHolder(join(home, LOCK_FILE));
    const live = registry.list().find(isLive);
    const file = live ? readSupervisorFile(registry.dir(live.id)) : null;
    const kind = draw < 0.4 ? 'queue' : draw < 0.65 ? 'supervisor' : draw < 0.9 ? 'rank' : 'machine';
    const counted = kind === 'machine' ? 'supervisor' : kind;
    if (!live || !file || counted === 'queue' || hitsOf(live.id)[counted] >= MOST[counted])
      return { kind: 'queue', processes: [starter] };
    if (kind === 'rank' && !file.rank) return { kind: 'queue', processes: [starter] };
    const { supervisor, rank } = file;
    hits.set(live.id, { ...hitsOf(live.id), [counted]: hitsOf(live.id)[counted] + 1 });
    if (kind === 'machine') return { kind, processes: [starter, supervisor, rank] };
    return { kind, processes: [kind === 'rank' ? rank : supervisor] };
  }

  test(`loses no entry and starts none twice, over ${QUEUE_KILLS} kills`, async () => {
    const next = uniform(SEED);
    const spec = newSpec();
    const forecast = { seconds: 1, memoryBytes: 1e6 };
    const undisturbed = await queue.add(spec, forecast);
    await ended(undisturbed);
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const ids: string[] = [];
    for (let kills = 0; kills < QUEUE_KILLS; ) {
      if (!queue.state().items.length) {
        for (const id of ids) await ended(id);
        for (let k = 0; k < BATCH; k += 1) ids.push(await queue.add(spec, forecast));
      }
      queue.ensureRunner();
      await delay(next() * MOST_MS); // The moment is drawn, so that kills meet everything alike.
      const { kind, processes } = victims(next());
      if (!processes.some((one) => one && isAlive(one))) continue;
      for (const one of processes) kill(one);
      kills += 1;
      count(`kills of ${kind}`);
    }
    for (const id of ids) await ended(id);
    for (const id of ids) {
      const own = hitsOf(id);
      const log = readFileSync(join(registry.dir(id), 'logs/supervisor.log'), 'utf8');
      const told = `${readFileSync(join(home, 'queue.log'), 'utf8')}\n${log}\n${JSON.stringify(own)}`;
      // Whoever goes on makes the next attempt: the queue after a supervisor's end, a supervisor after that of its training process.
      expect(registry.status(id).attempt, told).toBeLessThanOrEqual(1 + own.supervisor + own.rank);
      const events = readEvents(registry.dir(id));
      const starts = events.filter(({ type }) => type === 'started');
      expect(starts.length, told).toBeLessThanOrEqual(1 + own.supervisor + own.rank);
      // Two that wrote at once would not count on.
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, place) => place));
      const weights = ['checkpoints', LAST, 'adapter.safetensors'] as const;
      expect(fileBytes(registry.dir(id), ...weights)).toBe(fileBytes(registry.dir(undisturbed), ...weights));
      count('runs, all equal to the undisturbed one');
      if (starts.length > 1) count('of them interrupted, and continued');
    }
    // The rows of all of them were tokenized once, by the first.
    expect(readdirSync(join(home, 'cache/tokens')).filter((name) => !name.startsWith('.'))).toHaveLength(1);
    for (const id of ids)
      expect(JSON.parse(readFileSync(join(registry.dir(id), 'data/meta.json'), 'utf8')).tokensOf).toBe(
        undisturbed,
      );
    report('kills in a queue of real runs', outcomes);
  }, 3_600_000);
});

function kill(one: ProcessRef | null): void {
  if (one && isAlive(one)) process.kill(one.pid, 'SIGKILL');
}
