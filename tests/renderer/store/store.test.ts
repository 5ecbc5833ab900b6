// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Job } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { specValue } from '../../../electron/shared/spec/spec-fields.ts';
import { createMockClient, type MockOptions } from '../../../renderer/src/client/mock/mock-client.ts';
import { mockModels } from '../../../renderer/src/client/mock/mock-data.ts';
import { mockEvents, mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import { createCollieStore } from '../../../renderer/src/store/store.ts';

const ends: (() => void)[] = [];
beforeEach(() => localStorage.clear());
afterEach(() => {
  for (const end of ends.splice(0)) end();
  vi.useRealTimers();
});

function setup(options: MockOptions = {}) {
  const client = createMockClient(options);
  const handle = createCollieStore(client);
  ends.push(handle.connect());
  return { client, state: () => handle.store.getState() };
}
const settled = () => vi.waitFor(() => undefined);
const until = (check: () => boolean) => vi.waitFor(() => expect(check()).toBe(true));

const job = (change: Partial<Job>): Job => ({
  id: 'j',
  kind: 'model.import',
  title: 'Import',
  subject: null,
  state: 'running',
  progress: 0.5,
  message: '',
  etaSeconds: 3,
  startedAt: '2026-11-23T00:00:00Z',
  finishedAt: null,
  result: null,
  error: null,
  ...change,
});

describe('resuming', () => {
  it('is shown at once, and taken back when it is refused', async () => {
    let refuse: (error: Error) => void = () => {};
    const { state } = setup({
      methods: { 'runs.resume': () => new Promise((_, reject) => (refuse = reject)) },
    });
    await until(() => state().runs?.['run-failed'] !== undefined);
    const before = state().runs?.['run-failed'];
    const asked = state().resumeRun('run-failed');
    expect(state().runs?.['run-failed']).toMatchObject({
      state: 'preparing',
      phase: 'Resuming',
      error: null,
    });
    refuse(new Error('no'));
    expect(await asked).toBe(false);
    expect(state().runs?.['run-failed']).toEqual(before);
  });
});

describe('the library', () => {
  it('is loaded when the window opens', async () => {
    const { state } = setup();
    await until(() => state().models !== null && state().datasets !== null && state().runs !== null);
    expect(state().models?.map((m) => m.id)).toContain('smollm2-135m-instruct');
    expect(state().system?.devices[0]?.kind).toBe('cpu');
  });

  it('keeps the error of a list that could not be loaded, and forgets it after a success', async () => {
    let broken = true;
    const { state } = setup({
      methods: {
        'models.list': () => {
          if (broken) throw new CollieError('disk.full', 'No space.', 'Free some.');
          return mockModels;
        },
      },
    });
    await until(() => state().modelsError !== null);
    expect(state().modelsError).toMatchObject({ code: 'disk.full', hint: 'Free some.' });
    broken = false;
    await state().loadModels();
    expect(state().modelsError).toBeNull();
  });

  it('takes a removed model out of the list, and reports a refusal', async () => {
    const { state } = setup();
    await until(() => state().models !== null);
    expect(await state().removeModel('mixtral-8x7b')).toBe(true);
    expect(state().models?.some((m) => m.id === 'mixtral-8x7b')).toBe(false);
    expect(await state().removeModel('mixtral-8x7b')).toBe(false);
    expect(state().notices.at(-1)).toMatchObject({ kind: 'error', title: 'Could not remove the model' });
  });

  it('is loaded again when an import ends', async () => {
    const { client, state } = setup({ topics: { jobs: () => () => {} } });
    await until(() => state().models !== null);
    const before = client.calls.filter((c) => c.method === 'models.list').length;
    client.emit('jobs', job({}));
    client.emit('jobs', job({ state: 'done', progress: 1 }));
    expect(client.calls.filter((c) => c.method === 'models.list')).toHaveLength(before + 1);
  });

  it('is loaded again when the line comes back', async () => {
    const { client, state } = setup();
    await until(() => state().datasets !== null);
    const before = client.calls.filter((c) => c.method === 'datasets.list').length;
    client.setLine({ state: 'lost', retryAt: null });
    expect(state().line.state).toBe('lost');
    client.setLine({ state: 'open', retryAt: null });
    expect(client.calls.filter((c) => c.method === 'datasets.list')).toHaveLength(before + 1);
  });
});

describe('jobs', () => {
  const quiet = { topics: { jobs: () => () => {} } };
  it('can be awaited before and after their end', async () => {
    const { client, state } = setup(quiet);
    const result = state().awaitJob('j');
    client.emit('jobs', job({}));
    client.emit('jobs', job({ state: 'done', result: 7 }));
    expect(await result).toBe(7);
    expect(await state().awaitJob('j')).toBe(7);
  });

  it('reject with their error', async () => {
    const { client, state } = setup(quiet);
    const result = state().awaitJob('j');
    client.emit(
      'jobs',
      job({ state: 'failed', error: { code: 'gguf.not_gguf', message: 'x', hint: '', data: {} } }),
    );
    await expect(result).rejects.toMatchObject({ code: 'gguf.not_gguf' });
    client.emit('jobs', job({ id: 'k', state: 'cancelled' }));
    await expect(state().awaitJob('k')).rejects.toMatchObject({ code: 'job.cancelled' });
  });
});

describe('token statistics', () => {
  const query = {
    datasetId: 'larkspur-support',
    modelId: 'smollm2-135m-instruct',
    mapping: { kind: 'chat' as const, messages: 'm' },
    seqLen: 512,
  };
  it('are computed once for the same question', async () => {
    const { client, state } = setup();
    await Promise.all([state().computeStats(query), state().computeStats({ ...query })]);
    const [stats] = Object.values(state().tokenStats);
    expect(stats?.stats?.rows).toBe(320);
    expect(client.calls.filter((c) => c.method === 'datasets.stats')).toHaveLength(1);
  });

  it('keep their error, and are asked for again', async () => {
    let fail = true;
    const { state, client } = setup({
      methods: {
        'datasets.stats': () => {
          if (fail) throw new CollieError('model.no_tokenizer', 'No tokenizer.');
          return { jobId: 'j' };
        },
      },
      topics: { jobs: () => () => {} },
    });
    await state().computeStats(query);
    expect(Object.values(state().tokenStats)[0]?.error?.code).toBe('model.no_tokenizer');
    fail = false;
    const again = state().computeStats(query);
    await settled();
    client.emit('jobs', job({ id: 'j', kind: 'dataset.stats', state: 'done', result: { rows: 3 } }));
    await again;
    expect(Object.values(state().tokenStats)[0]?.error).toBeNull();
  });
});

describe('runs', () => {
  it('follow the status stream', async () => {
    const { client, state } = setup({ topics: { 'runs.status': () => () => {} } });
    await until(() => state().runs !== null);
    const run = mockRuns[0];
    if (!run) throw new Error('no fixture');
    client.emit('runs.status', { ...run, step: 97 });
    expect(state().runs?.[run.id]?.step).toBe(97);
  });

  it('share one stream, and give the series back when nobody looks', async () => {
    const opened: number[] = [];
    const { client, state } = setup({
      topics: {
        'runs.events': ({ afterSeq }) => {
          opened.push(afterSeq);
          return () => opened.push(-100);
        },
      },
    });
    const events = mockEvents(10);
    const stop = state().watchRun('run-live');
    const stopToo = state().watchRun('run-live');
    await vi.waitFor(() => expect(opened).toEqual([-1]));
    client.emit('runs.events', { events });
    expect(state().runSeries['run-live']?.steps.length).toBe(10);
    stop();
    stop();
    expect(opened).toEqual([-1]);
    stopToo();
    expect(opened).toEqual([-1, -100]);
    expect(state().runSeries['run-live']).toBeUndefined();
  });
});

describe('the draft', () => {
  it('survives a reload', () => {
    setup().state().setField('optimizer.learning_rate', 7e-5);
    expect(specValue(setup().state().draft, 'optimizer.learning_rate')).toBe(7e-5);
  });

  it('starts afresh when what was saved is no draft', () => {
    localStorage.setItem('collie-draft', '{"broken');
    expect(specValue(setup().state().draft, 'method.type')).toBe('lora');
  });

  it('takes over the columns of the chosen dataset', async () => {
    const { state } = setup();
    await until(() => state().datasets !== null);
    state().chooseDataset('support-chats');
    expect(specValue(state().draft, 'dataset')).toMatchObject({
      train: 'library:support-chats',
      mapping: { kind: 'chat', messages: 'messages' },
    });
  });

  it('is checked a moment after the last change only', async () => {
    const { client, state } = setup();
    await until(() => state().models !== null);
    vi.useFakeTimers();
    for (const rank of [2, 4, 8]) state().setField('method.rank', rank);
    expect(state().validation).toBe('checking');
    await vi.advanceTimersByTimeAsync(400);
    const checks = client.calls.filter((c) => c.method === 'spec.validate');
    expect(checks).toHaveLength(1);
    expect(specValue(checks[0]?.params, 'spec.method.rank')).toBe(8);
    expect(state().validation).toBe('current');
  });

  it('shows the answer to the newest draft, whichever comes last', async () => {
    const answers: ((name: string) => void)[] = [];
    const { state } = setup({
      methods: {
        'spec.validate': () =>
          new Promise((resolve) => {
            answers.push((path) =>
              resolve({
                issues: [{ path, code: 'c', message: 'm', suggestion: '' }],
                resolved: null,
                preview: null,
              }),
            );
          }),
      },
    });
    const first = state().validateDraft();
    const second = state().validateDraft();
    answers[1]?.('new');
    await second;
    answers[0]?.('old');
    await first;
    expect(state().issues.map((i) => i.path)).toEqual(['new']);
  });

  it('keeps model and dataset when a preset is applied', async () => {
    const { state } = setup();
    await state().loadPresets();
    await until(() => state().datasets !== null);
    state().chooseDataset('larkspur-support');
    state().setField('model', 'library:smollm2-135m-instruct');
    const preset = state().presets?.find((p) => p.id === 'full');
    if (!preset) throw new Error('no preset');
    state().applyPreset(preset);
    expect(specValue(state().draft, 'method')).toEqual({ type: 'full' });
    expect(state().draft.model).toBe('library:smollm2-135m-instruct');
    expect(specValue(state().draft, 'dataset.train')).toBe('library:larkspur-support');
  });

  it('starts, or comes back with every issue in place', async () => {
    const { state } = setup();
    await until(() => state().datasets !== null);
    expect(await state().startDraft()).toBeNull();
    expect(state().issues.map((i) => i.path)).toContain('model');
    expect(state().touched).toHaveProperty('model');
    state().setField('model', 'library:smollm2-135m-instruct');
    state().chooseDataset('larkspur-support');
    expect(await state().startDraft()).toBe('run-live');
    expect(state().starting).toBe(false);
  });
});
