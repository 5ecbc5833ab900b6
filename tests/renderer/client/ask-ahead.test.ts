/** An answer that was asked for ahead is taken once; other questions go to the host. */
import { expect, it, vi } from 'vitest';
import type { Api } from '../../../electron/shared/api/api.ts';
import { ask, askAhead } from '../../../renderer/src/client/ask-ahead.ts';

const client = () => {
  const call = vi.fn(async (method: string) => `${method} ${call.mock.calls.length}`);
  return { call: call as unknown as Api['call'], calls: call };
};

it('is asked once', async () => {
  const { call, calls } = client();
  askAhead({ call }, 'compare.get', { id: 'a' });
  expect(await ask({ call }, 'compare.get', { id: 'a' })).toBe('compare.get 1');
  expect(calls).toHaveBeenCalledTimes(1);
  expect(await ask({ call }, 'compare.get', { id: 'a' })).toBe('compare.get 2');
});

it('answers only the same question', async () => {
  const { call } = client();
  askAhead({ call }, 'compare.get', { id: 'b' });
  expect(await ask({ call }, 'compare.get', { id: 'c' })).toBe('compare.get 2');
});

it('tells a failure to who takes it', async () => {
  const call = vi.fn(async () => Promise.reject(new Error('gone'))) as unknown as Api['call'];
  askAhead({ call }, 'compare.get', { id: 'd' });
  await expect(ask({ call }, 'compare.get', { id: 'd' })).rejects.toThrow('gone');
});
