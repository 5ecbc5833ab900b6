/** Damaged files of a run folder: the run is listed and opened all the same. Damaged specs: issues. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSpecFile } from '../../electron/cli/spec-file.ts';
import { checkSchema } from '../../electron/server/spec/schema-issues.ts';
import { exampleSpec, FakeHome } from '../supervisor/harness.ts';
import { inputs } from './campaign.ts';

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

const event = (seq: number, type: string, payload: object) =>
  `${JSON.stringify({ v: 1, rank: 0, seq, timeUs: 1.7e15, step: seq, type, payload })}\n`;

test.each([
  'status.json',
  'environment.json',
  'supervisor.json',
  'events/rank-000.jsonl',
  'samples/samples.jsonl',
])('%s', async (name) => {
  const id = fake.create();
  const dir = fake.registry.dir(id);
  mkdirSync(join(dir, 'checkpoints/step-00000005'), { recursive: true });
  const files: Record<string, string> = {
    'status.json': JSON.stringify(fake.registry.status(id)),
    'environment.json': '{"v": 1, "attempts": [{"attempt": 1}]}',
    'supervisor.json': '{"v":1,"supervisor":{"pid":1,"start":"1"},"socket":"/x","rank":null}',
    'events/rank-000.jsonl':
      event(0, 'phase', { name: 'training', progress: null }) + event(1, 'step', { loss: 1 }),
    'samples/samples.jsonl': '{"step":1,"promptIndex":0,"prompt":"a","text":"b","finish":"stop"}\n',
  };
  await inputs(name, files[name] as string, (bytes) => {
    writeFileSync(join(dir, name), bytes);
    expect(fake.registry.list()).toHaveLength(1);
    fake.registry.get(id);
  });
});

test('spec files', async () => {
  const path = join(fake.home, 'spec.json');
  await inputs('spec', JSON.stringify(exampleSpec(fake.home)), (bytes) => {
    writeFileSync(path, bytes);
    const { issues, spec } = checkSchema(readSpecFile(path, []));
    expect(spec === null).toBe(issues.length > 0);
  });
});
