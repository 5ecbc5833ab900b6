/** The sample dataset keeps its promises: format, size, no repeated question, held-out facts that training holds. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../assets/quickstart/', import.meta.url);

interface Row {
  prompt: string;
  answer: string;
}

function readRows(name: string): Row[] {
  const lines = readFileSync(new URL(name, folder), 'utf8').split('\n');
  expect(lines.pop(), `${name} ends with a newline`).toBe('');
  return lines.map((line) => JSON.parse(line) as Row);
}

const train = readRows('train.jsonl');
const heldout = readRows('heldout.jsonl');
const all = [...train, ...heldout];

const houseStyle = /^[A-Z][^\n]{4,110}[.!?]\nNext: [A-Z][^\n]{4,80}\.$/;
const words = (text: string) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
/** Two questions with the same words in any order and case are the same question. */
const fingerprint = (prompt: string) => words(prompt).sort().join(' ');

describe('quickstart dataset', () => {
  it('has enough rows for training and for testing', () => {
    expect(train.length).toBeGreaterThanOrEqual(300);
    expect(heldout.length).toBeGreaterThanOrEqual(30);
    expect(all.length).toBeGreaterThanOrEqual(340);
  });

  it('has exactly the two columns that the readme names', () => {
    for (const row of all) expect(Object.keys(row)).toEqual(['prompt', 'answer']);
  });

  it('answers every question in the house style', () => {
    const strays = all.filter((row) => !houseStyle.test(row.answer));
    expect(strays).toEqual([]);
  });

  it('keeps rows short and clean', () => {
    for (const { prompt, answer } of all) {
      expect(prompt).toBe(prompt.trim());
      expect(`${prompt} ${answer}`).not.toMatch(/ {2}|[^\x20-\x7e\n]/);
      expect(words(prompt).length + words(answer).length).toBeLessThanOrEqual(60);
    }
  });

  it('asks nothing twice, and nothing held out is trained on', () => {
    const seen = new Map<string, string>();
    for (const { prompt } of all) {
      const key = fingerprint(prompt);
      expect(seen.get(key), `"${prompt}" repeats a question`).toBeUndefined();
      seen.set(key, prompt);
    }
  });

  it('refuses in one recognisable way', () => {
    const refusals = (rows: Row[]) =>
      rows.filter((row) => row.answer.startsWith('Sorry, I do not know')).length;
    expect(refusals(train)).toBeGreaterThanOrEqual(20);
    expect(refusals(heldout)).toBeGreaterThanOrEqual(4);
  });

  it('teaches every number of a held-out product answer in training', () => {
    const trained = new Set(train.flatMap((row) => words(row.answer)));
    const product = heldout.filter((row) => /fernlight|tank|cups|tansy|euros|weeks/i.test(row.answer));
    expect(product.length).toBeGreaterThanOrEqual(10);
    for (const row of product) {
      const numbers = words(row.answer.split('\n')[0] ?? '').filter((word) => /\d/.test(word));
      for (const number of numbers) expect(trained, row.answer).toContain(number);
    }
  });

  it('never contradicts the fact sheet on prices, sizes and times', () => {
    const allowed = {
      euros: [79, 129, 6, 50],
      litres: [1.2],
      watts: [12],
      watt: [12],
      decibels: [28],
      kilograms: [2.1],
      metres: [1.5],
      centimetres: [38, 25, 40],
      days: [45, 21],
      hours: [14, 24],
    };
    for (const { prompt, answer } of all) {
      for (const [unit, values] of Object.entries(allowed)) {
        for (const match of answer.matchAll(new RegExp(`(\\d+(?:\\.\\d+)?) ${unit}\\b`, 'g')))
          expect(values, `${prompt} -> ${answer}`).toContain(Number(match[1]));
      }
    }
  });

  it('keeps the counts that the readme states', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    expect(readme).toContain(`| \`train.jsonl\`   | ${train.length}  |`);
    expect(readme).toContain(`| \`heldout.jsonl\` | ${heldout.length}   |`);
    expect(readme).toContain(`${all.length} short question and answer pairs`);
  });
});
