/** Chats over the fake rank, which answers with the prompt's own tokens: text, cancelling, dying and idling. */
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Playground } from '../../../electron/server/playground/playground.ts';
import { promptIds } from '../../../electron/server/tokenize/conversation.ts';
import { loadTokenizer, type ModelTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { topics } from '../../../electron/shared/api.ts';
import { fakeRank } from '../../supervisor/harness.ts';

const modelPath = resolve(import.meta.dirname, '../../fixtures/tiny-model');
let tokenizer: ModelTokenizer;
let playground: Playground;
beforeEach(async () => {
  process.env.COLLIE_RANK = fakeRank;
  tokenizer = await loadTokenizer(modelPath);
  playground = new Playground();
});
afterEach(() => playground.closeAll());

const options = (change = {}) => ({
  modelPath,
  run: null,
  precision: 'bf16' as const,
  context: 4096,
  tokenizer,
  ...change,
});
const params = (sessionId: string, content: string, sampling = {}) =>
  topics['playground.generate'].params.parse({
    sessionId,
    use: 'base',
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
  const { sessionId, hasTuned } = await playground.open(options());
  expect(hasTuned).toBe(false);
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

test('a tuned session says so', async () => {
  const { hasTuned } = await playground.open(
    options({ run: { path: '/somewhere', checkpoint: 'step-00000001' } }),
  );
  expect(hasTuned).toBe(true);
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
