/** Instruction following against lm-evaluation-harness's own code, and its tools against NLTK and langdetect (tests/fixtures/evaluation/make_ifeval.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { textTools } from '../../../electron/server/evaluation/text-tools.ts';
import {
  type Followed,
  followed,
  followedMetrics,
  followedScores,
  type Instruction,
} from '../../../electron/shared/evaluation/ifeval/follow.ts';
import { instructionIds, instructionKind } from '../../../electron/shared/evaluation/ifeval/instructions.ts';
import { pythonPattern } from '../../../electron/shared/evaluation/ifeval/python-pattern.ts';

interface Row {
  instruction_id_list: string[];
  kwargs: Record<string, unknown>[];
  answer: string;
  strict: boolean[];
  loose?: boolean[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/evaluation/ifeval.json', import.meta.url), 'utf8'),
) as {
  rows: Row[];
  language_rows: Row[];
  languages: { text: string; language: string | null }[];
  sentences: { text: string; sentences: string[] }[];
  words: { text: string; words: string[] }[];
};

const instructionsOf = ({ instruction_id_list, kwargs }: Row): Instruction[] =>
  instruction_id_list.map((id, k) => ({ id, settings: kwargs[k] ?? {} }));

describe('the kinds of instructions', () => {
  const tested = [...fixture.rows, ...fixture.language_rows];

  it.each(instructionIds)('%s', (id) => {
    const rows = tested.filter(
      (row) => row.instruction_id_list.length === 1 && row.instruction_id_list[0] === id,
    );
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows) {
      const { strict, loose } = followed(instructionsOf(row), row.answer, textTools);
      const said = `${JSON.stringify(row.kwargs)} ${JSON.stringify(row.answer)}`;
      expect(strict, said).toEqual(row.strict);
      if (row.loose) expect(loose, said).toEqual(row.loose);
    }
    // Fixtures that all say the same would prove nothing.
    expect(new Set(rows.map(({ strict }) => strict[0])).size).toBe(2);
  });

  it('several to a prompt, and what a set comes to', () => {
    const rows = fixture.rows.filter(({ strict }) => strict.length > 1);
    expect(rows.length).toBeGreaterThan(100);
    const found: Followed[] = rows.map((row) => followed(instructionsOf(row), row.answer, textTools));
    expect(found).toEqual(rows.map(({ strict, loose }) => ({ strict, loose })));
    const flat = rows.flatMap(({ strict }) => strict);
    const metrics = followedMetrics(found);
    expect(metrics.instruction_strict).toBeCloseTo(flat.filter(Boolean).length / flat.length, 12);
    const whole = rows.filter(({ loose }) => loose?.every(Boolean)).length;
    expect(metrics.prompt_loose).toBeCloseTo(whole / rows.length, 12);
    expect(followedScores({ strict: [true, false], loose: [true, true] })).toEqual({
      prompt_strict: 0,
      prompt_loose: 1,
      instruction_strict: 0.5,
      instruction_loose: 1,
    });
  });

  it.each([
    ['keywords:existence', {}, 'keywords is missing'],
    ['keywords:existence', { keywords: ['('] }, '"(" is no regular expression'],
    ['length_constraints:number_words', { num_words: 0, relation: 'at least' }, 'num_words is 0'],
    ['length_constraints:number_words', { num_words: 9, relation: 'about' }, 'relation is "about"'],
    [
      'length_constraints:nth_paragraph_first_word',
      { num_paragraphs: 1, nth_paragraph: 2, first_word: 'a' },
      'of 1 paragraphs',
    ],
    ['keywords:key_sentences', {}, 'is none of the 25 kinds'],
    ['constructor', {}, 'is none of the 25 kinds'],
  ])('%s with %j is refused', (id, settings, message) => {
    expect(() => instructionKind(id).check(settings)).toThrow(message);
  });
});

test.each([
  ['keywords:existence', { keywords: ['(a+)+$'] }],
  ['keywords:frequency', { keyword: '(a+)+$', frequency: 1, relation: 'at least' }],
  ['keywords:forbidden_words', { forbidden_words: ['(a+)+$'] }],
  ['detectable_content:postscript', { postscript_marker: '(a+)+$' }],
  ['detectable_format:multiple_sections', { section_spliter: '(a+)+$', num_sections: 1 }],
])('a pattern of %s that takes for ever on an answer is ended', (id, settings) => {
  expect(() => followed([{ id, settings }], `${'a'.repeat(60)}b`, textTools)).toThrow('took longer than 1 s');
});

test('sentences are those of NLTK', () => {
  expect(fixture.sentences.length).toBeGreaterThan(200);
  for (const { text, sentences } of fixture.sentences)
    expect(textTools.sentences(text), JSON.stringify(text)).toEqual(sentences);
});

test('words are those of NLTK', () => {
  for (const { text, words } of fixture.words)
    expect(textTools.words(text), JSON.stringify(text)).toEqual(words);
});

test('languages are those of langdetect, where it says the same each time', () => {
  expect(fixture.languages.length).toBeGreaterThan(200);
  for (const { text, language } of fixture.languages)
    expect(textTools.language(text), JSON.stringify(text)).toBe(language);
});

test.each([
  ['a.c', 'a\nc', 0],
  ['\\bcafé\\b', 'un café, cafés', 1],
  ['\\w+', 'naïve größe', 2],
  ['[\\w.-]+@x', 'é.b@x', 1],
  ['[]a]', ']a', 2],
  ['a{2}', 'aa a{2}', 1],
  ['a{x}', 'a{x}', 1],
  ['x\\-y\\!', 'x-y!', 1],
  ['\\.', 'a.b', 1],
  ['[^a]', 'ab\n', 2],
  ['ÉCOLE', 'école', 1],
])('the pattern %j finds in %j as Python does', (source, text, count) => {
  expect([...text.matchAll(pythonPattern(source))]).toHaveLength(count);
});
