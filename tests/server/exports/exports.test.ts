/** Exports over the fake rank: what is added to the weights, what is refused, and that nothing half stays behind. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ExportRequest,
  listExports,
  planExport,
  runExport,
} from '../../../electron/server/exports/exports.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { exampleSpec, FakeHome } from '../../supervisor/harness.ts';

const tokenizerFolder = resolve(import.meta.dirname, '../../fixtures/tiny-model');
let fake: FakeHome;
let runId: string;
beforeEach(() => {
  fake = new FakeHome();
  cpSync(tokenizerFolder, join(fake.home, 'model'), { recursive: true });
  runId = fake.create();
  const checkpoint = join(fake.registry.dir(runId), 'checkpoints/step-00000010');
  mkdirSync(checkpoint);
  writeFileSync(join(checkpoint, 'DONE'), '');
});
afterEach(() => fake.remove());

const request = (change: Partial<ExportRequest> = {}): ExportRequest => ({
  runId,
  checkpoint: '',
  kind: 'adapter',
  destination: '',
  ...change,
});
const context = (signal = new AbortController().signal) => {
  const progress: number[] = [];
  return { signal, progress: (fraction: number | null) => progress.push(fraction ?? -1), seen: progress };
};

/** Another run with a checkpoint. */
function runWith(change: Record<string, unknown>): string {
  const spec = runSpecSchema.parse({ ...exampleSpec(fake.home), ...change });
  const other = fake.registry.create(spec);
  cpSync(join(fake.registry.dir(runId), 'checkpoints'), join(fake.registry.dir(other), 'checkpoints'), {
    recursive: true,
  });
  return other;
}

test('an adapter folder has weights, config, tokenizer, a card and a record', async () => {
  const doing = context();
  const record = await runExport(fake.registry, planExport(fake.registry, request()), doing);
  expect(record).toMatchObject({ runId, checkpoint: 'step-00000010', kind: 'adapter' });
  expect(record.path).toBe(join(fake.registry.dir(runId), 'export/adapter-10'));
  expect(readdirSync(record.path).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'chat_template.jinja',
    'checksums.json',
    'export.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  expect(record.sizeBytes).toBeGreaterThan(1000);
  const card = readFileSync(join(record.path, 'README.md'), 'utf8');
  expect(card).toContain('library_name: peft');
  expect(card).toContain('PeftModel.from_pretrained');
  expect(card).toContain('LoRA: LoRA adapters of rank 16, alpha 32, on q_proj, ');
  expect(doing.seen).toContain(0.49);
  expect(listExports(fake.registry)).toEqual([record]);
});

test('a second export gets its own folder; a deleted one leaves the list', async () => {
  const first = await runExport(
    fake.registry,
    planExport(fake.registry, request({ kind: 'merged' })),
    context(),
  );
  const second = await runExport(
    fake.registry,
    planExport(fake.registry, request({ kind: 'merged' })),
    context(),
  );
  expect(second.path).toBe(`${first.path}-2`);
  cpSync(first.path, join(fake.home, 'moved'), { recursive: true });
  const { rmSync } = await import('node:fs');
  rmSync(first.path, { recursive: true });
  expect(listExports(fake.registry).map(({ path }) => path)).toEqual([second.path]);
});

test('exports at once, of one checkpoint and to one place, each get their own or are refused', async () => {
  const plans = Array.from({ length: 4 }, () => planExport(fake.registry, request()));
  const records = await Promise.all(plans.map((plan) => runExport(fake.registry, plan, context())));
  expect(new Set(records.map(({ path }) => path)).size).toBe(4);
  expect(listExports(fake.registry)).toHaveLength(4);
  for (const { path } of records) expect(existsSync(join(path, 'adapter_model.safetensors'))).toBe(true);

  const destination = join(fake.home, 'same');
  const wish = () => runExport(fake.registry, planExport(fake.registry, request({ destination })), context());
  const outcomes = await Promise.allSettled([wish(), wish()]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'path.exists' },
  });
});

test('what others put into the destination while the export was going stays', async () => {
  const destination = join(fake.home, 'theirs');
  const plan = planExport(fake.registry, request({ destination }));
  const theirs = () => {
    mkdirSync(destination, { recursive: true });
    writeFileSync(join(destination, 'precious'), 'theirs');
  };
  const work = runExport(fake.registry, plan, { ...context(), progress: theirs });
  await expect(work).rejects.toMatchObject({ code: 'path.exists' });
  expect(readdirSync(destination)).toEqual(['precious']);
  expect(readdirSync(fake.home).filter((name) => name.includes('partial'))).toEqual([]);
  const file = join(fake.home, 'a-file');
  writeFileSync(file, 'theirs');
  expect(() => planExport(fake.registry, request({ destination: file }))).toThrow(
    expect.objectContaining({ code: 'path.exists' }),
  );
  expect(readFileSync(file, 'utf8')).toBe('theirs');
});

test('refuses a full folder, a missing checkpoint, an adapter of full training', () => {
  const destination = join(fake.home, 'out');
  mkdirSync(destination);
  writeFileSync(join(destination, 'precious'), '');
  const code = (wish: Partial<ExportRequest>) => {
    try {
      planExport(fake.registry, request(wish));
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(code({ destination })).toBe('path.exists');
  expect(code({ checkpoint: 'step-00000099' })).toBe('checkpoint.not_found');
  expect(code({ runId: 'nope' })).toBe('run.not_found');
  const full = runWith({ method: { type: 'full' } });
  expect(code({ runId: full })).toBe('request.invalid');
  expect(code({ runId: full, kind: 'merged' })).toBeNull();
  const promptRun = runWith({ method: { type: 'prompt_tuning' } });
  expect(code({ runId: promptRun, kind: 'merged' })).toBe('request.invalid');
  expect(code({ runId: promptRun })).toBeNull();
  process.env.COLLIE_RANK = join(fake.home, 'nothing');
  expect(code({})).toBe('engine.not_built');
});

test('a cancelled export leaves nothing behind', async () => {
  const abort = new AbortController();
  const plan = planExport(fake.registry, request());
  const work = runExport(fake.registry, plan, { signal: abort.signal, progress: () => abort.abort() });
  await expect(work).rejects.toThrow();
  expect(existsSync(plan.destination)).toBe(false);
  const left = existsSync(join(plan.destination, '..')) ? readdirSync(join(plan.destination, '..')) : [];
  expect(left).toEqual([]);
});

test('the card says what an adapter is of, and how it is loaded', async () => {
  const card = async (id: string, kind: ExportRequest['kind']) => {
    const { path } = await runExport(
      fake.registry,
      planExport(fake.registry, request({ runId: id, kind })),
      context(),
    );
    return readFileSync(join(path, 'README.md'), 'utf8');
  };
  const pissa = await card(runWith({ method: { type: 'pissa', rank: 4 } }), 'adapter');
  expect(pissa).toContain('tags: [pissa, collie-workbench]');
  expect(pissa).toContain('LoRA of twice the rank that was trained, which was 4');
  const bottleneck = await card(runWith({ method: { type: 'bottleneck' } }), 'adapter');
  expect(bottleneck).toContain('PEFT has no format for bottleneck adapters');
  expect(bottleneck).not.toContain('PeftModel');
  expect(bottleneck).not.toContain('library_name');
  const quantized = runWith({ quantization: 'nf4' });
  expect(await card(quantized, 'merged')).toContain('merged into the base in 16 bits');
  expect(await card(quantized, 'adapter')).toContain('fits the base in 16 bits as well');
});
