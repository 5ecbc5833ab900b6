/** The question about callbacks, asked of whatever the host has refused. */
import { describe, expect, test } from 'vitest';
import { CollieError } from '../../../electron/shared/errors.ts';
import { createMockClient } from '../../../renderer/src/client/mock/mock-client.ts';
import { createCollieStore } from '../../../renderer/src/store/store.ts';

const shown = {
  path: '/home/kim/mine.ts',
  sha256: 'a'.repeat(64),
  text: 'export default {}',
  trusted: false,
  problem: null,
};

function window() {
  let trusted = false;
  const mock = createMockClient({
    methods: {
      'runs.start': () => {
        if (trusted) return { id: 'run-1' };
        throw new CollieError('callback.not_trusted', 'It is not approved.', '', {
          callbacks: [{ path: shown.path, sha256: shown.sha256 }],
        });
      },
      'callbacks.inspect': () => [shown],
      'callbacks.trust': () => {
        trusted = true;
        return {};
      },
    },
  });
  const { store } = createCollieStore(mock);
  const asked = new Promise<void>((resolve) => {
    store.subscribe(({ trustQuestion }) => trustQuestion && resolve());
  });
  const calls = () => mock.calls.map(({ method }) => method);
  return { store, mock, asked, calls };
}

test('approved: what was shown is trusted, and the call is made again', async () => {
  const { store, mock, asked, calls } = window();
  const started = store.getState().startRun({});
  await asked;
  expect(store.getState().trustQuestion).toEqual({ kind: 'callbacks', shown: [shown] });
  store.getState().answerTrust(true);
  expect(await started).toBe('run-1');
  expect(calls()).toEqual(['runs.start', 'callbacks.inspect', 'callbacks.trust', 'runs.start']);
  expect(mock.calls[2]?.params).toEqual({ callbacks: [{ path: shown.path, sha256: shown.sha256 }] });
  expect(store.getState().trustQuestion).toBeNull();
});

test('not approved: the refusal of the host comes back, and nothing is trusted', async () => {
  const { store, asked, calls } = window();
  const started = store.getState().startRun({});
  await asked;
  store.getState().answerTrust(false);
  await expect(started).rejects.toMatchObject({ code: 'callback.not_trusted' });
  expect(calls()).toEqual(['runs.start', 'callbacks.inspect']);
  expect(store.getState().trustQuestion).toBeNull();
});

describe('judges', () => {
  const judge = { origin: 'http://127.0.0.1:8080', keyEnv: 'MY_KEY', model: 'm', sets: ['said'] };
  function judged() {
    const allowed: object[] = [];
    const mock = createMockClient({
      methods: {
        'evaluations.start': () => {
          if (allowed.length > 0) return { id: 'run-1' };
          throw new CollieError('judge.not_allowed', 'It is not allowed.', '', { judges: [judge] });
        },
        'judges.allow': ({ judges }) => {
          allowed.push(...judges);
          return {};
        },
      },
    });
    const { store, client } = createCollieStore(mock);
    const asked = new Promise<void>((resolve) => {
      store.subscribe(({ trustQuestion }) => trustQuestion && resolve());
    });
    const start = () => client.call('evaluations.start', { of: { run: 'a' }, sets: null });
    return { store, asked, start, allowed };
  }

  test('allowed: origin and key as they were shown, and the call is made again', async () => {
    const { store, asked, start, allowed } = judged();
    const started = start();
    await asked;
    expect(store.getState().trustQuestion).toEqual({ kind: 'judges', shown: [judge] });
    store.getState().answerTrust(true);
    expect(await started).toEqual({ id: 'run-1' });
    expect(allowed).toEqual([{ origin: judge.origin, keyEnv: 'MY_KEY' }]);
    expect(store.getState().trustQuestion).toBeNull();
  });

  test('not allowed: the refusal comes back', async () => {
    const { store, asked, start, allowed } = judged();
    const started = start();
    await asked;
    store.getState().answerTrust(false);
    await expect(started).rejects.toMatchObject({ code: 'judge.not_allowed' });
    expect(allowed).toEqual([]);
  });
});
