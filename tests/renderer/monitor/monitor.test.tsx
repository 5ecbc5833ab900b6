// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import { mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import MonitorPage from '../../../renderer/src/features/monitor/MonitorPage.tsx';
import { EventScript } from '../../support/event-script.ts';
import { openWindow } from './window.tsx';

const find = (id: string): RunStatus => {
  const run = mockRuns.find((r) => r.id === id);
  if (!run) throw new Error(`the mock host has no ${id}`);
  return run;
};

/** Events are sent by the test alone. */
function scripted() {
  const script = new EventScript();
  let emit: (batch: { events: unknown[] }) => void = () => {};
  const topics = {
    'runs.events': (_: unknown, send: (batch: { events: unknown[] }) => void) => {
      emit = send;
      return () => {};
    },
  };
  return { script, topics, send: () => act(() => emit({ events: script.events })) };
}

const button = (name: string | RegExp) => screen.getByRole('button', { name });
const chart = (title: string) => screen.findByLabelText(new RegExp(`^${title}\\.`));

describe('a live run', () => {
  it('shows how far it is and draws what the events say', async () => {
    const { script, topics, send } = scripted();
    openWindow(<MonitorPage id="run-live" />, { topics });
    expect(await screen.findByText('Step 96 of 240')).toBeDefined();
    expect(screen.getByText('Running')).toBeDefined();
    expect(screen.getByText(/about 5 min left/)).toBeDefined();
    expect(await screen.findAllByText('Values appear after the first step')).toHaveLength(5);

    script.started({ total_steps: 240 });
    script.eval(0, 3.5);
    for (let step = 1; step <= 50; step++) script.step(step, 4 - step / 50);
    send();
    const loss = await screen.findByLabelText(
      'Loss. Training: last 3, lowest 3, highest 3.98, 50 points. Evaluation: last 3.5, lowest 3.5, highest 3.5, 1 point.',
    );
    await waitFor(() =>
      expect(loss.querySelectorAll('path[data-line], path[data-average]').length).toBeGreaterThan(1),
    );
    expect((await chart('Memory')).getAttribute('aria-label')).toContain('Peak: last 1.1 GiB');
  });

  it('a resume drops what lay beyond the checkpoint', async () => {
    const { script, topics, send } = scripted();
    openWindow(<MonitorPage id="run-live" />, { topics });
    await screen.findByText('Step 96 of 240');
    script.started();
    for (let step = 1; step <= 30; step++) script.step(step, 2);
    script.started({ resumed_from_step: 20, attempt: 2 });
    script.step(21, 1);
    send();
    expect((await screen.findByLabelText(/^Loss.*21 points/)).textContent).toContain('resumed');
  });

  it('stops only after a question, and saves at once', async () => {
    location.hash = '#/runs/run-live?tab=environment'; // no charts: they cost jsdom seconds
    const { client } = openWindow(<MonitorPage id="run-live" />);
    await screen.findByText('Step 96 of 240');
    fireEvent.click(button('Save now'));
    await waitFor(() =>
      expect(client.calls).toContainEqual({
        method: 'runs.request',
        params: { id: 'run-live', request: 'save' },
      }),
    );
    fireEvent.click(button('Stop…'));
    const dialog = await screen.findByRole('dialog');
    expect(client.calls.some((c) => c.method === 'runs.stop')).toBe(false);
    fireEvent.click(within(dialog).getByRole('button', { name: 'Save and stop' }));
    await waitFor(() =>
      expect(client.calls).toContainEqual({ method: 'runs.stop', params: { id: 'run-live' } }),
    );
  });

  it('is asked to evaluate, and takes another learning rate and length', async () => {
    location.hash = '#/runs/run-live?tab=environment'; // no charts: they cost jsdom seconds
    const { client } = openWindow(<MonitorPage id="run-live" />);
    await screen.findByText('Step 96 of 240');
    const choose = async (item: RegExp) => {
      fireEvent.click(button('While it trains'));
      fireEvent.click(await screen.findByRole('menuitem', { name: item }));
    };
    await choose(/^Evaluate now/);
    const asked = { method: 'runs.request', params: { id: 'run-live', request: 'evaluate' } };
    await waitFor(() => expect(client.calls).toContainEqual(asked));
    await choose(/^Change learning rate or length/);
    const dialog = await screen.findByRole('dialog');
    const change = within(dialog).getByRole<HTMLButtonElement>('button', { name: 'Change' });
    const type = (label: string, value: string) =>
      fireEvent.change(within(dialog).getByLabelText(label), { target: { value } });
    expect(change.disabled).toBe(true);
    type('Learning rate', 'fast');
    await within(dialog).findByText(/A number above 0/);
    type('Learning rate', '5e-5');
    type('Length in steps', '96');
    await within(dialog).findByText('96 steps are done already');
    expect(change.disabled).toBe(true);
    type('Length in steps', '500');
    fireEvent.click(change);
    await waitFor(() =>
      expect(client.calls).toContainEqual({
        method: 'runs.change',
        params: { id: 'run-live', learning_rate: 5e-5, total_steps: 500 },
      }),
    );
  });

  it('follows its status to the end', async () => {
    location.hash = '#/runs/run-live?tab=environment'; // no charts: they cost jsdom seconds
    const { client } = openWindow(<MonitorPage id="run-live" />);
    await screen.findByText('Step 96 of 240');
    act(() =>
      client.emit('runs.status', { ...find('run-live'), state: 'completed', step: 240, etaSeconds: null }),
    );
    expect(await screen.findByText('Completed')).toBeDefined();
    expect(screen.getByText('Step 240 of 240')).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Stop…' })).toBeNull();
  });

  it('before the first step, says what it is doing and how far that is', async () => {
    location.hash = '#/runs/run-live?tab=environment'; // no charts: they cost jsdom seconds
    const { client } = openWindow(<MonitorPage id="run-live" />);
    await screen.findByText('Step 96 of 240');
    const early = {
      state: 'preparing',
      phase: 'Tokenizing',
      phaseProgress: 0.25,
      step: 0,
      totalSteps: null,
    } as const;
    act(() => client.emit('runs.status', { ...find('run-live'), ...early }));
    expect(await screen.findByText('Tokenizing')).toBeDefined();
    expect(screen.getByText('(25%)')).toBeDefined();
  });
});

describe('a finished run', () => {
  it('has the same charts, and all that can be done with it', async () => {
    openWindow(<MonitorPage id="run-done" />);
    expect(await screen.findByText('Completed')).toBeDefined();
    expect(await screen.findByLabelText(/^Loss.*240 points/)).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Save now' })).toBeNull();
    expect(button('Export…').hasAttribute('disabled')).toBe(false);
    expect(button('Playground').hasAttribute('disabled')).toBe(false);
  });

  it('a chart turns into a table of exact values', async () => {
    openWindow(<MonitorPage id="run-done" />);
    await screen.findByLabelText(/^Loss.*240 points/);
    fireEvent.click(button('Loss: show as table'));
    const table = await screen.findByRole('table');
    expect(table.getAttribute('aria-rowcount')).toBe('242'); // steps 0 (evaluation) to 240, and the header
    await waitFor(() => expect(within(table).getAllByRole('row').length).toBeGreaterThan(3));
  });

  it('the cursor shows exact values, by keyboard too', async () => {
    openWindow(<MonitorPage id="run-done" />);
    await screen.findByLabelText(/^Loss.*240 points/);
    const cursor = await screen.findByRole('slider', { name: /^Loss: cursor/ });
    fireEvent.keyDown(cursor, { key: 'End' });
    expect(cursor.getAttribute('aria-valuetext')).toMatch(/^Step 240: Training [\d.]+, Evaluation [\d.]+$/);
    fireEvent.keyDown(cursor, { key: 'ArrowLeft' });
    expect(cursor.getAttribute('aria-valuetext')).toMatch(/^Step 239: Training [\d.]+$/);
    // The other charts stand at the same step, and say so where the cursor rests.
    const other = screen.getByRole('slider', { name: /^Gradient norm: cursor/ });
    await waitFor(() => expect(other.getAttribute('aria-valuetext')).toMatch(/^Step 239:/));
  });

  it('samples stand side by side, first and last', async () => {
    location.hash = '#/runs/run-done?tab=samples';
    openWindow(<MonitorPage id="run-done" />);
    expect(await screen.findByText('To pair a lamp, please consult its manual.')).toBeDefined();
    expect(screen.getByText(/until the ring glows amber/)).toBeDefined();
  });

  it('settings are readable and mark what was chosen', async () => {
    location.hash = '#/runs/run-done?tab=settings';
    openWindow(<MonitorPage id="run-done" />);
    const rank = await screen.findByRole('row', { name: /^Learning rate/ });
    expect(rank.textContent).toContain('2e-4');
    const evaluate = screen.getByRole('row', { name: /^Evaluate every/ });
    expect(evaluate.querySelector('strong')?.textContent).toBe('40 steps');
  });

  it('the log is read page by page to its end', async () => {
    location.hash = '#/runs/run-done?tab=log';
    const pages = [
      { text: 'one\ntwo\n', nextOffset: 8 },
      { text: 'three ERROR\n', nextOffset: 20 },
    ];
    openWindow(<MonitorPage id="run-done" />, {
      methods: { 'runs.log': ({ offset }) => pages[offset / 8] ?? { text: '', nextOffset: offset } },
    });
    expect(await screen.findByText('3 lines')).toBeDefined();
    fireEvent.change(screen.getByRole('textbox', { name: 'Search the log' }), { target: { value: 'error' } });
    expect(await screen.findByText('1 of 3 lines')).toBeDefined();
    expect(screen.getByText('ERROR').tagName).toBe('MARK');
    expect(screen.queryByText('one')).toBeNull();
  });

  it('exports from a checkpoint and says how to load the result', async () => {
    location.hash = '#/runs/run-done?tab=checkpoints';
    const { client } = openWindow(<MonitorPage id="run-done" />);
    fireEvent.click(await screen.findByRole('button', { name: 'Export… step 240' }));
    const dialog = await screen.findByRole('dialog');
    fireEvent.click(await within(dialog).findByRole('radio', { name: /Merged model/ }));
    fireEvent.click(within(dialog).getByRole('button', { name: 'Export' }));
    await waitFor(() =>
      expect(client.calls).toContainEqual({
        method: 'exports.start',
        params: { runId: 'run-done', checkpoint: 'step-00000240', kind: 'merged', destination: '' },
      }),
    );
    expect(await screen.findByText(/Merged model written/, {}, { timeout: 5000 })).toBeDefined();
    expect(dialog.textContent).toContain('AutoModelForCausalLM.from_pretrained(');
  });
});

describe('a failed run', () => {
  it('says why, what to do, and what the log said last', async () => {
    location.hash = '#/runs/run-failed?tab=environment';
    openWindow(<MonitorPage id="run-failed" />, {
      methods: {
        'runs.log': ({ offset }) => ({ text: offset === 0 ? 'step 31\nstep 32: nan\n' : '', nextOffset: 21 }),
      },
    });
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('The loss of step 32 is not finite.');
    expect(alert.textContent).toContain('Lower the learning rate (3e-3)');
    expect(await screen.findByText(/step 32: nan/)).toBeDefined();
    expect(button('Start again')).toBeDefined();
    expect(button('Export…').hasAttribute('disabled')).toBe(true);
  });

  it('a run that is not there is an error with a way out, not an empty page', async () => {
    openWindow(<MonitorPage id="run-unknown" />, { topics: { 'runs.events': () => () => {} } });
    expect((await screen.findByRole('alert')).textContent).toContain('run.not_found');
    expect(button('Try again')).toBeDefined();
  });
});

it('the alarms of a run that has ended stand above every tab', async () => {
  const done = find('run-done');
  const alarms = find('run-live').alarms;
  openWindow(<MonitorPage id="run-done" />, {
    methods: { 'runs.list': () => [{ ...done, alarms }] },
    topics: { 'runs.status': () => () => {} },
  });
  const tabs = await screen.findAllByRole('tab');
  expect(tabs.length).toBeGreaterThan(5);
  for (const tab of tabs) {
    fireEvent.click(tab);
    await waitFor(() => expect(tab.getAttribute('aria-selected')).toBe('true'));
    const alarm = screen.getByText(/14.2 times what it usually is/);
    const [panel] = screen.getAllByRole('tabpanel');
    expect(
      alarm.compareDocumentPosition(panel as HTMLElement) & Node.DOCUMENT_POSITION_FOLLOWING,
    ).toBeTruthy();
  }
});

it('what was measured of the machine stands below the training, only where something was', async () => {
  const { script, topics, send } = scripted();
  openWindow(<MonitorPage id="run-live" />, { topics });
  await screen.findByText('Step 96 of 240');
  script.started();
  for (let step = 1; step <= 4; step++) script.step(step, 2);
  send();
  await chart('Loss');
  expect(screen.queryByRole('heading', { name: 'Machine' })).toBeNull();
  for (const step of [5, 6]) {
    script.step(step, 2);
    script.monitored(step, { cpu_share: 0.5, 'cpu_share/rank-0': 0.2, 'cpu_share/rank-1': 0.3 });
  }
  send();
  await screen.findByRole('heading', { name: 'Machine' });
  const cpu = await chart('Processor');
  expect(cpu.getAttribute('aria-label')).toMatch(/All ranks: last 50%.*Rank 0: last 20%.*Rank 1: last 30%/);
  expect(screen.queryByLabelText(/^GPU use\./)).toBeNull();
  expect(screen.getByText('collie bench gemm')).toBeDefined();
  const loss = await chart('Loss');
  expect(loss.compareDocumentPosition(cpu) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  // Beside a known share there is nothing to say.
  script.monitored(6, { gemm_share: 0.4 });
  send();
  await chart('Utilization');
  expect(screen.queryByText('collie bench gemm')).toBeNull();
});

it('metrics go into files of other tools, and the page says where', async () => {
  const { script, topics, send } = scripted();
  const { handle } = openWindow(<MonitorPage id="run-live" />, { topics });
  await screen.findByText('Step 96 of 240');
  expect(screen.queryByRole('button', { name: 'Metrics as' })).toBeNull();
  script.started();
  script.step(1, 2);
  send();
  fireEvent.click(await screen.findByRole('button', { name: 'Metrics as' }));
  fireEvent.click(await screen.findByRole('menuitem', { name: 'TensorBoard' }));
  await waitFor(() =>
    expect(handle.store.getState().notices.at(-1)?.message).toBe(
      '/home/kim/.collie/runs/run-live/export/metrics.tensorboard',
    ),
  );
});
