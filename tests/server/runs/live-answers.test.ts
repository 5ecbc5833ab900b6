/** Questions to a run that trains, as seen by who asks: an answer always ends. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ControlRequest, LiveRequest } from '../../../electron/server/runs/control.ts';
import { askRun, type LiveLine } from '../../../electron/server/runs/live-answers.ts';
import type { RunRegistry } from '../../../electron/server/runs/registry.ts';

let dir: string;
let state = 'running';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'collie-answers-'));
  state = 'running';
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A run whose rank does this when it is asked. */
const runThat = (answers: (file: string) => void) =>
  ({
    dir: () => dir,
    status: () => ({ state, attempt: 1, restarts: [] }),
    control: async (_id: string, request: ControlRequest) => {
      if (request.command === 'ask') answers(join(dir, 'answers', `${request.id}.jsonl`));
    },
  }) as unknown as RunRegistry;

async function ask(runs: RunRegistry): Promise<LiveLine[]> {
  const lines: LiveLine[] = [];
  for await (const line of askRun(runs, 'a', {} as LiveRequest, new AbortController().signal))
    lines.push(line);
  return lines;
}

test('tokens come, then the end, and no file is left', async () => {
  const runs = runThat((file) =>
    appendFileSync(file, '{"token":5}\n{"finish":"stop","seconds":0.5,"step":3}\n'),
  );
  expect(await ask(runs)).toEqual([
    { kind: 'token', token: 5 },
    { kind: 'done', finish: 'stop', seconds: 0.5, step: 3 },
  ]);
  expect(readdirSync(join(dir, 'answers'))).toEqual([]);
});

test('an answer that cannot be written any more ends with why', async () => {
  const runs = runThat((file) => {
    appendFileSync(file, '{"token":5}\n');
    rmSync(file);
  });
  await expect(ask(runs)).rejects.toMatchObject({ code: 'disk.full', hint: expect.stringContaining('Free') });
}, 30_000);

test('a run that ends first has not answered', async () => {
  const runs = runThat(() => {
    state = 'stopped';
  });
  await expect(ask(runs)).rejects.toMatchObject({ code: 'run.not_live' });
}, 30_000);
