// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { TopicEvent, TopicParsed } from '../../../electron/shared/api/api.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import type { MockOptions } from '../../../renderer/src/client/mock/mock-client.ts';
import { mockRunDetail, mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import PlaygroundPage from '../../../renderer/src/features/playground/PlaygroundPage.tsx';
import { openWindow } from '../monitor/window.tsx';

type Asked = TopicParsed<'playground.generate'>;
type Piece = TopicEvent<'playground.generate'>;

/** A host whose answers the test writes token by token. */
function scriptedHost(methods: MockOptions['methods'] = {}) {
  const asked: Asked[] = [];
  const ended: Asked[] = [];
  let emit: (piece: Piece) => void = () => {};
  let end: () => void = () => {};
  const options: MockOptions = {
    methods,
    topics: {
      'playground.generate': (params, send, finish) => {
        asked.push(params);
        emit = send;
        end = finish;
        return () => ended.push(params);
      },
    },
  };
  const piece = (text: string, tokens: number, part: Partial<Piece> = {}) =>
    act(() => emit({ text, done: false, tokens, seconds: tokens / 10, finish: null, ...part }));
  const finish = (text: string, tokens: number) =>
    act(() => {
      emit({ text, done: true, tokens, seconds: tokens / 10, finish: 'stop' });
      end();
    });
  return { asked, ended, options, piece, finish };
}

const chosen = () =>
  (new URLSearchParams(location.hash.split('?')[1]).get('run') ?? '').split(',').filter(Boolean);

async function ask(text: string) {
  const box = await screen.findByRole('textbox', { name: 'Prompt' });
  fireEvent.change(box, { target: { value: text } });
  fireEvent.keyDown(box, { key: 'Enter' });
  return box;
}

describe('the playground', () => {
  it('says so where the model of a run is not in the library, in place of asking another', async () => {
    location.hash = '#/playground?run=run-done';
    const detail = mockRunDetail(mockRuns.find(({ id }) => id === 'run-done') as RunStatus);
    const foreign = { ...detail, modelId: null, spec: { ...detail.spec, model: '/mnt/elsewhere' } };
    openWindow(<PlaygroundPage />, scriptedHost({ 'runs.get': () => foreign }).options);
    await screen.findByText('The model of this run is not in the library');
    expect(screen.getByText(/trained from \/mnt\/elsewhere/)).toBeTruthy();
  });

  it('offers a run whose model folder has another path by now, as the host says which model it is', async () => {
    location.hash = '#/playground?run=run-done';
    const detail = mockRunDetail(mockRuns.find(({ id }) => id === 'run-done') as RunStatus);
    const moved = { ...detail, spec: { ...detail.spec, model: '/mnt/old/place' } };
    const host = scriptedHost({ 'runs.get': () => moved });
    openWindow(<PlaygroundPage />, host.options);
    await ask('How do I pair the lamp?');
    await waitFor(() => expect(host.asked).toHaveLength(1));
    expect(chosen()).toEqual(['run-done']);
    expect(screen.getByRole('article').textContent).toContain('Answers after the base model');
  });

  it('opens without a run that cannot be read', async () => {
    location.hash = '#/playground?run=run-done';
    const host = scriptedHost({
      'runs.get': () => {
        throw new CollieError('file.unreadable', 'spec.json cannot be read');
      },
    });
    openWindow(<PlaygroundPage />, host.options);
    expect(await screen.findByRole('textbox', { name: 'Prompt' })).not.toBeNull();
  });

  it('streams the base answer, then the tuned one, to the same prompt and seed', async () => {
    location.hash = '#/playground?run=run-done';
    const host = scriptedHost();
    const { client } = openWindow(<PlaygroundPage />, host.options);
    await ask('How do I pair the lamp?');
    await waitFor(() => expect(host.asked).toHaveLength(1));
    expect(client.calls).toContainEqual({
      method: 'playground.open',
      params: {
        modelId: 'smollm2-135m-instruct',
        tuned: [{ runId: 'run-done', checkpoint: '' }],
        sessionId: null,
      },
    });
    host.piece('Please', 1);
    host.piece(' wait', 2);
    expect(await screen.findByText('Please wait')).toBeDefined();
    expect(screen.getByText('2 tokens, 10 tokens/s')).toBeDefined();
    expect(screen.getByText('Answers after the base model')).toBeDefined();
    host.finish('.', 3);
    await waitFor(() => expect(host.asked).toHaveLength(2));
    host.finish('Hold the button.', 4);
    expect(await screen.findByText('Hold the button.')).toBeDefined();

    const [base, tuned] = host.asked;
    expect([base?.tuned, tuned?.tuned]).toEqual([null, 0]);
    expect(tuned?.messages).toEqual(base?.messages);
    expect(tuned?.sampling).toEqual(base?.sampling);
    // Finished answers are read out.
    const spoken = screen.getByRole('log', { name: 'Finished answers' });
    expect(spoken.getAttribute('aria-live')).toBe('polite');
    expect(spoken.textContent).toContain('answered: Please wait.');
    expect(spoken.textContent).toContain('answered: Hold the button.');
  });

  it('asks the base model and every chosen run, one after the other, each by its place', async () => {
    location.hash = '#/playground?run=run-done,run-adalora@step-00000240';
    const host = scriptedHost();
    const { client } = openWindow(<PlaygroundPage />, host.options);
    await ask('How do I pair the lamp?');
    expect(client.calls).toContainEqual({
      method: 'playground.open',
      params: {
        modelId: 'smollm2-135m-instruct',
        tuned: [
          { runId: 'run-done', checkpoint: '' },
          { runId: 'run-adalora', checkpoint: 'step-00000240' },
        ],
        sessionId: null,
      },
    });
    for (const [i, text] of ['As it was', 'Tuned a little', 'Tuned fully'].entries()) {
      await waitFor(() => expect(host.asked).toHaveLength(i + 1));
      host.finish(text, 3);
    }
    expect(host.asked.map(({ tuned }) => tuned)).toEqual([null, 0, 1]);
    for (const text of ['As it was', 'Tuned a little', 'Tuned fully'])
      expect(await screen.findByText(text)).toBeDefined();
    const names = document.querySelector('[class*="names"]')?.textContent;
    expect(names).toMatch(/, step 240$/);
  });

  it('goes on with the same session and conversation when another run is chosen', async () => {
    location.hash = '#/playground?run=run-done';
    // As a host whose rank has had run-done first, and another run in between.
    const placeOf: Record<string, number> = { 'run-done': 0, 'run-adalora': 2 };
    const host = scriptedHost({
      'playground.open': ({ tuned }) => ({
        sessionId: 'kept',
        places: tuned.map(({ runId }) => placeOf[runId] ?? -1),
      }),
    });
    const { client } = openWindow(<PlaygroundPage />, host.options);
    await ask('First');
    await waitFor(() => expect(host.asked).toHaveLength(1));
    host.finish('base one', 1);
    await waitFor(() => expect(host.asked).toHaveLength(2));
    host.finish('done one', 1);
    await screen.findByText('done one');

    act(() => {
      location.hash = '#/playground?run=run-adalora';
      window.dispatchEvent(new HashChangeEvent('hashchange'));
    });
    await screen.findByText('base one');
    expect(screen.queryByText('done one')).toBeNull();
    await ask('Second');
    await waitFor(() => expect(host.asked).toHaveLength(3));
    host.finish('base two', 1);
    await waitFor(() => expect(host.asked).toHaveLength(4));
    host.finish('full two', 1);
    await screen.findByText('full two');

    const opened = client.calls.filter(({ method }) => method === 'playground.open');
    expect(opened.map(({ params }) => (params as { sessionId: string | null }).sessionId)).toEqual([
      null,
      'kept',
    ]);
    expect(host.asked.map(({ tuned }) => tuned)).toEqual([null, 0, null, 2]);
    // Who was not asked the first question knows nothing of it.
    expect(host.asked[3]?.messages).toEqual([{ role: 'user', content: 'Second' }]);
    expect(client.calls.some(({ method }) => method === 'playground.close')).toBe(false);
  });

  it('runs can be chosen and taken away with the keyboard', async () => {
    location.hash = '#/playground';
    openWindow(<PlaygroundPage />, scriptedHost().options);
    const box = await screen.findByRole('combobox', { name: 'Compare with' });
    await waitFor(() => expect(box.hasAttribute('disabled')).toBe(false));
    for (const count of [1, 2]) {
      fireEvent.focus(box);
      fireEvent.keyDown(box, { key: 'ArrowDown', code: 'ArrowDown' });
      fireEvent.keyDown(box, { key: 'ArrowDown', code: 'ArrowDown' });
      fireEvent.keyDown(box, { key: 'Enter', code: 'Enter' });
      await waitFor(() => expect(chosen()).toHaveLength(count));
    }
    fireEvent.keyDown(box, { key: 'Backspace', code: 'Backspace' });
    await waitFor(() => expect(chosen()).toHaveLength(1));
  });

  it('leaves out runs of other models and unknown ones, and one that is named twice', async () => {
    location.hash = '#/playground?run=run-done,no-such-run,run-done';
    const host = scriptedHost();
    const { client } = openWindow(<PlaygroundPage />, host.options);
    await ask('Hello');
    expect(client.calls).toContainEqual({
      method: 'playground.open',
      params: {
        modelId: 'smollm2-135m-instruct',
        tuned: [{ runId: 'run-done', checkpoint: '' }],
        sessionId: null,
      },
    });
  });

  it('Shift+Enter and an unfinished composition do not send', async () => {
    const host = scriptedHost();
    openWindow(<PlaygroundPage />, host.options);
    const box = await screen.findByRole('textbox', { name: 'Prompt' });
    fireEvent.change(box, { target: { value: 'first line' } });
    fireEvent.keyDown(box, { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(box, { key: 'Enter', isComposing: true });
    expect(screen.queryByRole('article')).toBeNull();
    fireEvent.keyDown(box, { key: 'Enter' });
    expect(await screen.findByRole('article')).toBeDefined();
    await waitFor(() => expect(host.asked).toHaveLength(1));
  });

  it('stop ends the stream, keeps the text, and asks nothing more', async () => {
    location.hash = '#/playground?run=run-done';
    const host = scriptedHost();
    openWindow(<PlaygroundPage />, host.options);
    await ask('Tell me everything');
    await waitFor(() => expect(host.asked).toHaveLength(1));
    host.piece('It began', 2);
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    expect(host.ended).toHaveLength(1);
    expect(await screen.findByText('It began')).toBeDefined();
    expect(screen.getByText(/tokens, .*stopped/)).toBeDefined();
    expect(screen.getByText('Stopped before the first word')).toBeDefined();
    expect(host.asked).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'Send' })).toBeDefined();
  });

  it('a model that does not load is an error in its place, and the next question tries again', async () => {
    let attempts = 0;
    const host = scriptedHost({
      'playground.open': () => {
        attempts += 1;
        if (attempts > 1) return { sessionId: 's', places: [] };
        throw new CollieError('memory.insufficient', 'The model needs 9 GiB.', 'Close another chat.');
      },
    });
    openWindow(<PlaygroundPage />, host.options);
    await ask('Hello');
    expect((await screen.findByRole('alert')).textContent).toContain('The model needs 9 GiB.');
    fireEvent.click(screen.getByRole('button', { name: 'Regenerate' }));
    await waitFor(() => expect(host.asked).toHaveLength(1));
    host.finish('Hi', 1);
    expect(await screen.findByText('Hi')).toBeDefined();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('a session the host has let go of is opened again without a word', async () => {
    let sessions = 0;
    const sent: string[] = [];
    openWindow(<PlaygroundPage />, {
      methods: { 'playground.open': () => ({ sessionId: `s${++sessions}`, places: [] }) },
      topics: {
        'playground.generate': ({ sessionId }, emit, end) => {
          sent.push(sessionId);
          if (sessionId === 's1')
            throw new CollieError('request.invalid', 'This chat has ended.', '', { id: 's1' });
          queueMicrotask(() => {
            emit({ text: 'Back again', done: true, tokens: 2, seconds: 0.1, finish: 'stop' });
            end();
          });
          return () => {};
        },
      },
    });
    await ask('Hello');
    expect(await screen.findByText('Back again')).toBeDefined();
    expect(sent).toEqual(['s1', 's2']);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('closes its session when it is left', async () => {
    const host = scriptedHost();
    const { client } = openWindow(<PlaygroundPage />, host.options);
    await ask('Hello');
    await waitFor(() => expect(host.asked).toHaveLength(1));
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    const { cleanup } = await import('@testing-library/react');
    cleanup();
    await waitFor(() =>
      expect(client.calls).toContainEqual({ method: 'playground.close', params: { sessionId: 'session-1' } }),
    );
  });
});
