import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JinjaTemplate } from '../../../electron/server/tokenize/jinja/template.ts';

interface Fixture {
  messages: unknown[];
  cases: { source: string; text?: string; error?: string }[];
}

const { messages, cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/jinja/cases.json', import.meta.url), 'utf8'),
) as Fixture;

const render = (source: string) =>
  new JinjaTemplate(source).render({ messages, bos_token: '<s>', tools: null, documents: null });

describe('templates render as jinja2 does in transformers', () => {
  it.each(cases.filter(({ text }) => text !== undefined))('$source', ({ source, text }) => {
    expect(render(source)).toBe(text);
  });

  it.each(cases.filter(({ error }) => error !== undefined))('refused: $source', ({ source }) => {
    expect(() => render(source)).toThrow();
  });

  it('says where a template is wrong', () => {
    expect(() => new JinjaTemplate('a\nb {% nothing %}')).toThrow(/"nothing".*line 2/);
    expect(() => render('{{ messages[0].missing.more }}')).toThrow(
      /'dict object' has no attribute 'missing'/,
    );
  });
});

describe('where messages are', () => {
  it('finds the text of each message that the template walks over', () => {
    const template = new JinjaTemplate(
      '<s>{% for m in messages %}[{{ m.role }}]{{ m.content }};{% endfor %}end',
    );
    const { text, spans } = template.renderTraced({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    });
    expect(spans.map((span) => span && text.slice(span.start, span.end))).toEqual([
      '[user]a;',
      '[assistant]b;',
    ]);
  });

  it('knows nothing of messages that are written twice, or not at all', () => {
    const twice = '{% for m in messages %}{{ m.content }}{% endfor %}'.repeat(2);
    expect(new JinjaTemplate(twice).renderTraced({ messages: [{ content: 'a' }] }).spans).toEqual([null]);
    expect(
      new JinjaTemplate('{{ messages[0].content }}').renderTraced({ messages: [{ content: 'a' }] }).spans,
    ).toEqual([null]);
  });
});

// A template is a file of anybody's: these held the host for ever.
it.each([
  '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}',
  '{% for a in range(99999) if a > 99999 %}{% endfor %}'.repeat(40),
  '{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}',
  "{% set ns = namespace(t='x') %}{% for a in range(100000) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
  "{% for a in range(99999) %}{{ 'x' * 9999999 }}{% endfor %}",
])('a template without end is refused: %s', (source) => {
  const template = new JinjaTemplate(source);
  expect(() => template.render({ messages: [] })).toThrow();
});

it('a chat of a thousand messages whose template looks through all of them for each has steps enough', () => {
  const source =
    '{% for m in messages %}{% for n in messages %}{% if n == m %}{% endif %}{% endfor %}{{ m }}{% endfor %}';
  const messages = Array.from({ length: 1000 }, (_, k) => `${k};`);
  expect(new JinjaTemplate(source).render({ messages })).toBe(messages.join(''));
});
