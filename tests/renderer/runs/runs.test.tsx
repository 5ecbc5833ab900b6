// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../../../electron/shared/api/entities.ts';
import { PAUSED, type RunStatus } from '../../../electron/shared/runs/events.ts';
import { type MethodType, methodSchema } from '../../../electron/shared/spec/methods.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { mockDatasets, mockModels } from '../../../renderer/src/client/mock/mock-data.ts';
import { mockRuns, mockSpec } from '../../../renderer/src/client/mock/mock-runs.ts';
import { estimateBytes, kindInfos, loadSnippet } from '../../../renderer/src/features/export/export-kinds.ts';
import HomePage from '../../../renderer/src/features/home/HomePage.tsx';
import RunsPage from '../../../renderer/src/features/runs/RunsPage.tsx';
import { filterRows, rangeOf, rowMaker, sortRows } from '../../../renderer/src/features/runs/run-rows.ts';
import { allowedActions, reusableDraft, trainedShare } from '../../../renderer/src/features/runs/run-view.ts';
import { openWindow } from '../monitor/window.tsx';

const live = mockRuns[0] as RunStatus;
const model = mockModels[0] as ModelCard;
const library = { models: mockModels, datasets: mockDatasets };
const rowNames = () =>
  within(screen.getByRole('table'))
    .getAllByRole('row')
    .slice(1)
    .map((row) => row.querySelector('a')?.textContent?.trim());

describe('the list of runs', () => {
  it('names state, model and numbers of each, newest first', async () => {
    openWindow(<RunsPage />);
    const row = (await screen.findByRole('link', { name: live.name })).closest('tr') as HTMLElement;
    expect(within(row).getByText('Running')).toBeDefined();
    expect(await within(row).findByText(model.name)).toBeDefined();
    expect(within(row).getByText('40%, about 5 min left')).toBeDefined();
    expect(within(row).getByText('1.63')).toBeDefined();
    expect(rowNames()).toEqual(mockRuns.map((run) => run.name));
    // A failure is told where it is seen first.
    expect(screen.getByText('The loss of step 32 is not finite.')).toBeDefined();
  });

  it('sorts, with missing values last either way', async () => {
    openWindow(<RunsPage />);
    await screen.findByRole('link', { name: live.name });
    fireEvent.click(screen.getByRole('button', { name: 'Eval loss' }));
    expect(rowNames().map((name) => mockRuns.find((r) => r.name === name)?.lastEvalLoss)).toEqual([
      0.97,
      0.98,
      0.99,
      1.31,
      1.63,
      null,
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'Eval loss' }));
    expect(rowNames().map((name) => mockRuns.find((r) => r.name === name)?.lastEvalLoss)).toEqual([
      1.63,
      1.31,
      0.99,
      0.98,
      0.97,
      null,
    ]);
  });

  it('searches and filters, and says when nothing matches', async () => {
    openWindow(<RunsPage />);
    await screen.findByRole('link', { name: live.name });
    fireEvent.click(screen.getByRole('radio', { name: 'Failed' }));
    expect(rowNames()).toEqual(['Full, learning rate 3e-3']);
    fireEvent.change(screen.getByRole('textbox', { name: 'Search runs' }), { target: { value: 'zebra' } });
    expect(await screen.findByText(/No run matches/)).toBeDefined();
  });

  it('removes only after a question', async () => {
    const { client } = openWindow(<RunsPage />);
    fireEvent.click(await screen.findByRole('button', { name: 'Actions for Larkspur support, LoRA r8' }));
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Remove…' }));
    const dialog = await screen.findByRole('dialog');
    expect(client.calls.some((c) => c.method === 'runs.remove')).toBe(false);
    fireEvent.click(within(dialog).getByRole('button', { name: 'Remove' }));
    await waitFor(() => expect(rowNames()).not.toContain('Larkspur support, LoRA r8'));
  });

  it('copies the settings of a run into the form', async () => {
    const { handle } = openWindow(<RunsPage />);
    fireEvent.click(await screen.findByRole('button', { name: `Actions for ${live.name}` }));
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Duplicate…' }));
    await waitFor(() => expect(location.hash).toBe('#/compose'));
    expect(handle.store.getState().draft.evaluation).toMatchObject({ every_steps: 40 });
    expect(handle.store.getState().draft.name).toBe('');
  });

  it('has any setting of the spec as a column, remembered', async () => {
    openWindow(<RunsPage />);
    await screen.findByRole('link', { name: live.name });
    fireEvent.click(screen.getByRole('button', { name: 'Columns' }));
    fireEvent.change(await screen.findByRole('textbox', { name: 'Search columns' }), {
      target: { value: 'optimizer.learning_rate' },
    });
    fireEvent.click(await screen.findByRole('checkbox', { name: 'Learning rate' }));
    const row = screen.getByRole('link', { name: live.name }).closest('tr') as HTMLElement;
    expect(await within(row).findByText('2e-4')).toBeDefined();
    cleanup();
    openWindow(<RunsPage />);
    expect(await screen.findByRole('button', { name: 'Learning rate' })).toBeDefined();
  });

  it('selects with checkboxes, a range with shift, and acts on all of them', async () => {
    const { client } = openWindow(<RunsPage />);
    const box = async (name: string) => screen.findByRole('checkbox', { name: `Select ${name}` });
    fireEvent.click(await box('Larkspur support, LoRA r8'));
    const bar = screen.getByRole('toolbar', { name: 'Selected runs' });
    fireEvent.click(await box('Full, learning rate 3e-3'), { shiftKey: true });
    expect(within(bar).getByText('4 runs selected')).toBeDefined();
    fireEvent.click(within(bar).getByRole('button', { name: 'Tags…' }));
    const input = await screen.findByLabelText('Tags that all of them have', { selector: 'input' });
    fireEvent.change(input, { target: { value: 'paper' } });
    fireEvent.keyDown(input, { key: 'Enter' });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(client.calls.filter((c) => c.method === 'runs.setTags')).toHaveLength(4));
    expect(await screen.findAllByText('paper')).not.toHaveLength(0);
  });

  it('asks for the settings of all runs at once, and draws only the run that changed', async () => {
    const { client } = openWindow(<RunsPage />);
    await screen.findByRole('link', { name: live.name });
    const calls = client.calls.map((c) => c.method);
    // The first status is shown at once, all others with the next.
    expect(calls.filter((method) => method === 'runs.summaries').length).toBeLessThanOrEqual(2);
    expect(calls).not.toContain('runs.get');
    const make = rowMaker();
    const runs = Object.fromEntries(mockRuns.map((run) => [run.id, run]));
    const before = make(runs, {}, library);
    const after = make({ ...runs, [live.id]: { ...live, step: 97 } }, {}, library);
    expect(after.filter((row, i) => row !== before[i]).map((row) => row.run.id)).toEqual([live.id]);
  });

  it('without a run, says how to get one', async () => {
    openWindow(<RunsPage />, {
      methods: { 'runs.list': () => [] },
      topics: { 'runs.status': () => () => {} },
    });
    expect(await screen.findByText('No runs yet')).toBeDefined();
  });
});

describe('rows', () => {
  it('are sorted as numbers or as words, missing ones last either way', () => {
    const by = (value: string | number | null) => value;
    expect(sortRows([3, null, 20, 1], by, false)).toEqual([1, 3, 20, null]);
    expect(sortRows([3, null, 20, 1], by, true)).toEqual([20, 3, 1, null]);
    expect(sortRows(['r16', '', 'r8', 'R2'], by, false)).toEqual(['R2', 'r8', 'r16', '']);
  });
  it('shift takes a range in either direction, and one row where there was none before', () => {
    const ids = ['a', 'b', 'c', 'd'];
    expect(rangeOf(ids, 'd', 'b')).toEqual(['b', 'c', 'd']);
    expect(rangeOf(ids, null, 'b')).toEqual(['b']);
    expect(rangeOf(ids, 'gone', 'b')).toEqual(['b']);
  });
});

describe('home', () => {
  it('marks what is done and points at what is next', async () => {
    openWindow(<HomePage />, {
      methods: { 'runs.list': () => [], 'datasets.list': () => [] },
      topics: { 'runs.status': () => () => {} },
    });
    const steps = await screen.findAllByRole('listitem');
    expect(steps).toHaveLength(4);
    expect(within(steps[0] as HTMLElement).getByLabelText('Done')).toBeDefined();
    expect(steps.map((step) => step.hasAttribute('data-next'))).toEqual([false, true, false, false]);
  });
});

describe('what a run says and allows', () => {
  it('resolved paths become library references again', () => {
    const resolved = {
      ...mockSpec,
      model: model.path,
      dataset: { ...mockSpec.dataset, train: '/home/kim/.collie/datasets/larkspur-support/rows.parquet' },
    };
    const draft = reusableDraft(resolved, library);
    expect(draft.model).toBe(`library:${model.id}`);
    expect((draft.dataset as { train: string }).train).toBe('library:larkspur-support');
    const outside = reusableDraft({ ...resolved, model: '/elsewhere/model' }, library);
    expect(outside.model).toBe('/elsewhere/model');
  });

  it.each([
    ['running', 'step-00000080', ['chat', 'evaluate', 'export', 'pause', 'save', 'stop']],
    ['preparing', null, ['stop']],
    ['stopping', null, []],
    ['failed', null, ['queue', 'remove', 'resume']],
    ['completed', 'step-00000080', ['chat', 'evaluate', 'export', 'remove']],
    ['stopped', 'step-00000080', ['chat', 'evaluate', 'export', 'queue', 'remove', 'resume']],
  ] as const)('%s with checkpoint %s: %j', (state, checkpoint, actions) => {
    expect([...allowedActions({ ...live, state, checkpoint })].sort()).toEqual(actions);
  });

  it('a paused one can go on', () => {
    const allowed = allowedActions({ ...live, state: 'running', phase: PAUSED, checkpoint: null });
    expect([...allowed].sort()).toEqual(['continue', 'save', 'stop']);
  });

  it('knows no share before the number of steps is known', () => {
    expect(trainedShare({ step: 3, totalSteps: null })).toBeNull();
    expect(trainedShare({ step: 3, totalSteps: 0 })).toBeNull();
    expect(trainedShare({ step: 3, totalSteps: 12 })).toBe(0.25);
  });

  it('finds every word of a search somewhere in the row', () => {
    const summary = { id: live.id, spec: mockSpec, tags: ['paper', 'seed 1'], evaluates: null };
    const rows = rowMaker()({ [live.id]: live }, { [live.id]: summary }, library);
    expect(filterRows(rows, 'all', 'paper')).toHaveLength(1);
    expect(filterRows(rows, 'all', '', ['paper', 'seed 1'])).toHaveLength(1);
    expect(filterRows(rows, 'all', '', ['paper', 'other'])).toHaveLength(0);
    expect(filterRows(rows, 'all', 'LORA smollm2')).toHaveLength(1);
    expect(filterRows(rows, 'all', 'lora zebra')).toHaveLength(0);
    expect(filterRows(rows, 'completed', '')).toHaveLength(0);
  });
});

describe('export', () => {
  it.each<[MethodType, Record<string, RegExp | null>]>([
    ['lora', { adapter: null, merged: null }],
    ['ia3', { adapter: null, merged: null }],
    ['prompt_tuning', { adapter: null, merged: /cannot be merged into the model: its virtual tokens/ }],
    ['bottleneck', { adapter: null, merged: /activation between them/ }],
    ['bitfit', { adapter: /trains biases, which no adapter format holds/, merged: null }],
    ['full', { adapter: /trains the weights of the model itself/, merged: null }],
  ])('%s: what can be written, and why the other cannot', (type, expected) => {
    const spec = { ...mockSpec, method: methodSchema.parse({ type }) };
    for (const { kind, refusal } of kindInfos(spec)) {
      const reason = expected[kind];
      if (reason) expect(`${refusal?.reason} ${refusal?.way}`).toMatch(reason);
      else expect(refusal, kind).toBeNull();
    }
  });

  it('says where a run on a 4-bit base is merged into, and who loads what', () => {
    const of = (change: object, kind: string) =>
      kindInfos(runSpecSchema.parse({ ...mockSpec, ...change })).find((info) => info.kind === kind);
    expect(of({ quantization: 'nf4' }, 'merged')?.text).toContain('base model in 16 bits');
    expect(of({}, 'merged')?.text).not.toContain('16 bits');
    expect(of({ method: { type: 'bottleneck' } }, 'adapter')?.loads).toBe('Collie Workbench');
    expect(of({ method: { type: 'ia3' } }, 'adapter')?.loads).toBe('Hugging Face PEFT');
    expect(of({ method: { type: 'lora' } }, 'adapter')?.loads).toContain('llama.cpp');
  });

  it('sizes come from the trained parameters or the model', () => {
    const lora = mockSpec.method;
    expect(estimateBytes('adapter', lora, 5_000_000, model)).toBe(20_000_000);
    expect(estimateBytes('adapter', methodSchema.parse({ type: 'pissa' }), 5_000_000, model)).toBe(
      40_000_000,
    );
    expect(estimateBytes('adapter', methodSchema.parse({ type: 'p_tuning' }), 5_000_000, model)).toBeNull();
    expect(estimateBytes('merged', lora, 5_000_000, model)).toBe(model.sizeBytes);
    expect(estimateBytes('merged', lora, null, null)).toBeNull();
    expect(estimateBytes('adapter', lora, null, model)).toBeNull();
  });

  it('the code that loads it survives quotes and backslashes in paths', () => {
    const code = loadSnippet('adapter', 'C:\\my "runs"\\a', '/base');
    expect(code).toContain(String.raw`PeftModel.from_pretrained(model, "C:\\my \"runs\"\\a")`);
    expect(code).toContain('from_pretrained("/base")');
  });
});
