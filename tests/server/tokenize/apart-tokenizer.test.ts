/** Tokenizers on threads of their own: the same answers, and templates that must stop nobody but themselves. */
import { cp, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, describe, expect, it } from 'vitest';
import { ApartTokenizer, loadTokenizer } from '../../../electron/server/tokenize/apart-tokenizer.ts';
import { factsOf } from '../../../electron/server/tokenize/chat-tokenizer.ts';
import { readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { scratchFolder, writeText } from '../datasets/fixtures.ts';
import { tinyModel } from './fixtures.ts';

const scratch = scratchFolder('apart');
const opened: ApartTokenizer[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function withTemplate(name: string, template: string, seconds?: number): Promise<ApartTokenizer> {
  const folder = join(scratch, name);
  await cp(tinyModel, folder, { recursive: true });
  await writeText(join(folder, 'chat_template.jinja'), template);
  const tokenizer = await ApartTokenizer.open(folder, seconds);
  opened.push(tokenizer);
  return tokenizer;
}

const ask = { role: 'user', content: 'hi' };
const answer = { role: 'assistant', content: 'ho' };
const short = { messages: [ask, answer] };
const long = { messages: [ask, answer, ask, answer] };
const CHATML =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';
/** Few steps, each of them long: what counting steps does not end. */
const SLOW = `{% if messages | length > 2 %}{% for i in range(30000) %}{% set x = range(100000) | list | join %}{% endfor %}{% endif %}${CHATML}`;

describe('the same as on this thread', () => {
  it('facts, conversations, prompts, texts', async () => {
    const here = await readTokenizer(tinyModel);
    const apart = await loadTokenizer(tinyModel);
    expect(factsOf(apart)).toEqual(factsOf(here));
    const chats = [short, { messages: [ask] }, long];
    const made = await apart.conversations(chats);
    expect(made).toEqual(await here.conversations(chats));
    expect(made[1]).toMatchObject({ error: { code: 'dataset.bad_row' } });
    expect(await apart.prompt({ messages: [ask] })).toEqual(await here.prompt({ messages: [ask] }));
    const ids = await apart.encode('Hello there', 'add');
    expect(ids).toEqual(await here.encode('Hello there', 'add'));
    expect(await apart.decode(ids)).toBe(await here.decode(ids));
    expect(await apart.tokenTexts(ids)).toEqual(await here.tokenTexts(ids));
  });

  it('cached until a file changes', async () => {
    const folder = join(scratch, 'cached');
    await cp(tinyModel, folder, { recursive: true });
    const first = await loadTokenizer(folder);
    expect(await loadTokenizer(folder)).toBe(first);
    await utimes(join(folder, 'tokenizer.json'), new Date(), new Date(Date.now() + 5000));
    expect(await loadTokenizer(folder)).not.toBe(first);
  });

  it('a folder without one is refused, again after it was looked at', async () => {
    const folder = join(scratch, 'none');
    for (let k = 0; k < 2; k += 1)
      await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: 'model.no_tokenizer' });
  });
});

describe('templates without end', () => {
  it.each([
    ['a loop of loops', '{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}'],
    [
      'a text that doubles',
      "{% set ns = namespace(x='x') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    ],
    ['a text that is repeated', "{{ 'x' * 1000000000 }}"],
    ['a macro that calls itself', '{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}'],
  ])('%s: the model is named', async (name, template) => {
    await expect(withTemplate(name.replaceAll(' ', '-'), template + CHATML)).rejects.toMatchObject({
      code: 'model.unsupported_feature',
      message: expect.stringContaining(join(scratch, name.replaceAll(' ', '-'))),
    });
  });

  it('a range that is too long is refused as in transformers', async () => {
    const tokenizer = await withTemplate('range', `{% for i in range(10**9) %}x{% endfor %}${CHATML}`);
    const [made] = await tokenizer.conversations([short]);
    expect(made).toMatchObject({ error: { message: expect.stringContaining('Range too big') } });
  });

  it('one that counting does not end is ended by the clock, beside it others are answered, and it works again for other rows', async () => {
    const slow = await withTemplate('slow', SLOW, 2);
    const other = await loadTokenizer(tinyModel);
    const work = slow.conversations([long]);
    let ended = false;
    const seen = work.catch((error: Error) => error).finally(() => (ended = true));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    let answers = 0;
    while (!ended) {
      await other.conversations([short]);
      answers += 1;
    }
    delay.disable();
    expect(answers).toBeGreaterThan(10);
    // Of this thread, which would stand for seconds; other tests run beside this one.
    expect(delay.percentile(90) / 1e6).toBeLessThan(200);
    expect(await seen).toMatchObject({
      message: `The chat template of ${join(scratch, 'slow')} took more than 2 seconds.`,
    });
    expect(await slow.conversations([short])).toMatchObject([{ length: expect.any(Number) }]);
  });

  it('one that takes all memory ends its thread', { timeout: 300_000 }, async () => {
    const hungry = await withTemplate(
      'hungry',
      `{% if messages | length > 2 %}{% set ns = namespace(x=[]) %}{% for i in range(20000) %}{% set ns.x = ns.x + [range(100000) | list] %}{% endfor %}{% endif %}${CHATML}`,
      500,
    );
    await expect(hungry.conversations([long])).rejects.toThrow(
      `The chat template of ${join(scratch, 'hungry')} needs more than 1024 MB of memory.`,
    );
    expect(await hungry.conversations([short])).toMatchObject([{ length: expect.any(Number) }]);
  });
});
