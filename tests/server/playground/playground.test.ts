/** Chats over the fake rank, which answers with the prompt's own tokens: text, cancelling, dying and idling. */
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Playground } from '../../../electron/server/playground/playground.ts';
import { promptIds } from '../../../electron/server/tokenize/conversation.ts';
import { type ModelTokenizer, readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { topics } from '../../../electron/shared/api/api.ts';
import { fakeRank } from '../../supervisor/harness.ts';

const modelPath = resolve(import.meta.dirname, '../../fixtures/tiny-model');
let tokenizer: ModelTokenizer;
let playground: Playground;
beforeEach(async () => {
  process.env.COLLIE_RANK = fakeRank;
  tokenizer = await readTokenizer(modelPath);
  playground = new Playground();
});
afterEach(() => playground.closeAll());

const options = (change = {}) => ({
  modelPath,
  tuned: [],
  precision: 'bf16' as const,
  quantization: 'none' as const,
  context: 4096,
  tokenizer,
  ...change,
});
const params = (sessionId: string, content: string, sampling = {}) =>
  topics['playground.generate'].params.parse({
    sessionId,
    tuned: null,
    messages: [{ role: 'user', content }],
    sampling,
  });

async function answer(sessionId: string, content: string, sampling = {}) {
  const events = [];
  const abort = new AbortController();
  for await (const event of playground.generate(params(sessionId, content, sampling), abort.signal))
    events.push(event);
  return events;
}

test('streams whole characters and ends with a count', async () => {
  const { sessionId } = await playground.open(options());
  const text = 'Grüße, 日本 🐕‍🦺!';
  const events = await answer(sessionId, text);
  const ids = await promptIds([{ role: 'user', content: text }], tokenizer);
  const last = events.at(-1);
  expect(last).toMatchObject({ done: true, tokens: ids.length, finish: 'stop' });
  for (const event of events.slice(0, -1)) expect(event.text).not.toContain('\uFFFD');
  const whole = events.map((event) => event.text).join('');
  expect(whole).toBe(await tokenizer.decode(ids));
  expect(whole).toContain(text);
});

test('a session goes on with its base: only what is new is loaded, until there is no place for more', async () => {
  const of = (...names: string[]) =>
    names.map((name) => ({ path: `/runs/${name}`, checkpoint: 'step-00000001' }));
  const first = await playground.open(options({ tuned: of('a') }));
  expect(first.places).toEqual([0]);
  const second = await playground.open(options({ tuned: of('b', 'a') }), first.sessionId);
  expect(second).toEqual({ sessionId: first.sessionId, places: [1, 0] });
  const third = await playground.open(options({ tuned: of('c') }), first.sessionId);
  expect(third).toEqual({ sessionId: first.sessionId, places: [2] });
  expect(await playground.open(options({ tuned: [] }), first.sessionId)).toEqual({
    sessionId: first.sessionId,
    places: [],
  });
  // What cannot be loaded beside the rest leaves the rest as it was.
  await expect(playground.open(options({ tuned: of('broken') }), first.sessionId)).rejects.toMatchObject({
    code: 'checkpoint.not_found',
  });
  expect((await playground.open(options({ tuned: of('a') }), first.sessionId)).places).toEqual([0]);
  const full = await playground.open(options({ tuned: of('d', 'e') }), first.sessionId);
  expect(full.sessionId).not.toBe(first.sessionId);
  expect(full.places).toEqual([0, 1]);
  await expect(answer(first.sessionId, 'hello')).rejects.toMatchObject({ code: 'request.invalid' });
  const other = await playground.open(options({ tuned: of('d'), precision: 'fp32' }), full.sessionId);
  expect(other.sessionId).not.toBe(full.sessionId);
  const quantized = await playground.open(
    options({ tuned: of('d'), precision: 'fp32', quantization: 'nf4' }),
    other.sessionId,
  );
  expect(quantized.sessionId).not.toBe(other.sessionId);
});

test('a rank that died comes back with everything in its place', async () => {
  const of = (...names: string[]) =>
    names.map((name) => ({ path: `/runs/${name}`, checkpoint: 'step-00000001' }));
  const { sessionId } = await playground.open(options({ tuned: of('a') }));
  await playground.open(options({ tuned: of('b') }), sessionId);
  await expect(answer(sessionId, 'hello', { seed: 666 })).rejects.toMatchObject({ code: 'rank.died' });
  const asked = { ...params(sessionId, 'hello'), tuned: 1 };
  const events = [];
  for await (const event of playground.generate(asked, new AbortController().signal)) events.push(event);
  expect(events.at(-1)?.done).toBe(true);
});

test('the same checkpoint twice is refused by name', async () => {
  const tuned = [1, 1].map(() => ({ path: '/runs/sums', checkpoint: 'step-00000004' }));
  await expect(playground.open(options({ tuned }))).rejects.toMatchObject({
    code: 'request.invalid',
    message: 'Checkpoint step-00000004 of the run sums is chosen twice.',
  });
});

test('each of several tuned models can be asked, and no other', async () => {
  const tuned = ['one', 'two'].map((name) => ({ path: `/runs/${name}`, checkpoint: 'step-00000001' }));
  const { sessionId } = await playground.open(options({ tuned }));
  const ask = async (index: number | null) => {
    const asked = { ...params(sessionId, 'hello'), tuned: index };
    const events = [];
    for await (const event of playground.generate(asked, new AbortController().signal)) events.push(event);
    return events.at(-1)?.done;
  };
  for (const index of [null, 0, 1, null]) expect(await ask(index)).toBe(true);
  await expect(ask(2)).rejects.toMatchObject({ code: 'request.invalid', message: 'no tuned model 2' });
});

test('abandoning an answer cancels it in the rank, and the next question is answered', async () => {
  const { sessionId } = await playground.open(options());
  const abort = new AbortController();
  let count = 0;
  for await (const _event of playground.generate(
    params(sessionId, 'x '.repeat(200), { seed: 7 }),
    abort.signal,
  )) {
    count += 1;
    if (count === 3) break;
  }
  expect((await answer(sessionId, 'next')).at(-1)).toMatchObject({ done: true });
});

test('two answers at once do not mix', async () => {
  const { sessionId } = await playground.open(options());
  const [left, right] = await Promise.all([answer(sessionId, 'left side'), answer(sessionId, 'right side')]);
  expect(left?.map(({ text }) => text).join('')).toContain('left side');
  expect(right?.map(({ text }) => text).join('')).toContain('right side');
});

test('a rank that dies is an error of the answer; the next question starts it again', async () => {
  const { sessionId } = await playground.open(options());
  await expect(answer(sessionId, 'die', { seed: 666 })).rejects.toMatchObject({
    code: 'rank.died',
    data: { signal: 'SIGKILL' },
  });
  expect((await answer(sessionId, 'again')).at(-1)).toMatchObject({ done: true });
});

test('what the rank says about a broken model arrives as it is', async () => {
  await expect(playground.open(options({ modelPath: '/a/broken/model' }))).rejects.toMatchObject({
    code: 'model.truncated',
    hint: 'a hint',
  });
});

test('a conversation longer than the context is refused with both numbers', async () => {
  const { sessionId } = await playground.open(options({ context: 8 }));
  await expect(answer(sessionId, 'far too long for eight tokens')).rejects.toMatchObject({
    code: 'request.invalid',
    data: { context: 8 },
  });
});

test('an idle session ends', async () => {
  const hasty = new Playground(20);
  const { sessionId } = await hasty.open(options());
  const ask = async () => {
    const abort = new AbortController();
    try {
      for await (const _event of hasty.generate(params(sessionId, 'x'), abort.signal));
      return 'answered';
    } catch (error) {
      return (error as Error).message;
    }
  };
  await expect.poll(ask, { interval: 100, timeout: 10_000 }).toContain('has ended');
});

test('models that still load count as chats, and end with all others', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => playground.open(options())));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'memory.insufficient' },
  });
  playground.closeAll();
  const opening = playground.open(options());
  playground.closeAll();
  await expect(opening).rejects.toMatchObject({ code: 'job.cancelled' });
});
