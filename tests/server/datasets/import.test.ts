import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { withDuckDB } from '../../../electron/server/datasets/duckdb.ts';
import { DatasetLibrary } from '../../../electron/server/datasets/library.ts';
import { ownName } from '../../../electron/server/files/leftovers.ts';
import { jsonl, scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('import');
let homes = 0;
const newLibrary = () => {
  homes += 1;
  const home = join(scratch, `home ${homes} [x]*?'"`); // a path that would be a pattern, or end a literal
  return { home, library: new DatasetLibrary(home) };
};
const file = (name: string, content: string | Buffer) => writeText(join(scratch, 'files', name), content);
const all = { offset: 0, limit: 500, search: '' };

const plainRows = [
  { question: '2020-01-01', answer: '007', n: 1, extra: null },
  { question: 'b "quoted", it\'s', answer: 'multi\nline', n: 2.5, extra: { k: [1, { deep: true }] } },
  { question: '你好 🐕', answer: '', n: 3, extra: [1, 2] },
];

describe('reading formats', () => {
  it('JSONL: texts stay texts, everything else stays what it was', async () => {
    const { library } = newLibrary();
    const card = await library.import(await file('plain.jsonl', jsonl(plainRows)));
    expect(card).toMatchObject({
      id: 'plain',
      name: 'plain',
      format: 'jsonl',
      rows: 3,
      columns: [
        { name: 'question', type: 'text' },
        { name: 'answer', type: 'text' },
        { name: 'n', type: 'number' },
        { name: 'extra', type: 'mixed' },
      ],
      mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'answer' },
    });
    expect((await library.rows(card.id, all)).rows).toEqual(plainRows);
  });

  it('JSONL with a byte order mark, blank lines, Windows line ends and keys that differ', async () => {
    const { library } = newLibrary();
    const card = await library.import(
      await file('odd.jsonl', '\uFEFF{"a": "1"}\r\n\r\n{"b": "2"}\r\n{"a": null, "c\'\\"": ["x"]}'),
    );
    expect((await library.rows(card.id, all)).rows).toEqual([
      { a: '1', b: null, 'c\'"': null },
      { a: null, b: '2', 'c\'"': null },
      { a: null, b: null, 'c\'"': ['x'] },
    ]);
  });

  it.each([
    ['a list', JSON.stringify(plainRows)],
    ['a list over lines', JSON.stringify(plainRows, null, 2)],
    ['an object with one list', JSON.stringify({ version: 1, data: plainRows })],
    ['one object over lines with one list', `\n${JSON.stringify({ rows: plainRows }, null, 4)}\n`],
  ])('JSON: %s', async (_, text) => {
    const { library } = newLibrary();
    const card = await library.import(await file('rows.json', text), 'My rows!');
    expect(card).toMatchObject({ id: 'My-rows', name: 'My rows!', format: 'json', rows: 3 });
    expect((await library.rows(card.id, all)).rows).toEqual(plainRows);
  });

  it('goes by the content where the name is wrong', async () => {
    const { library } = newLibrary();
    const list = await library.import(await file('list.jsonl', JSON.stringify(plainRows)));
    expect(list.format).toBe('json');
    const lines = await library.import(await file('lines.json', jsonl(plainRows)));
    expect(lines.format).toBe('jsonl');
    const noName = await library.import(await file('data', jsonl(plainRows)));
    expect(noName.format).toBe('jsonl');
    expect((await library.rows(noName.id, all)).rows).toEqual(plainRows);
  });

  it.each([
    ['commas', ',', 'q,"the answer",empty\r\n007,"a, ""b""\r\nc",\r\n2020-01-01,true,""\r\n'],
    ['semicolons', ';', 'q;the answer;empty\n007;"a, ""b""\r\nc";\n2020-01-01;true;""\n'],
    ['tabs', '\t', 'q\tthe answer\tempty\n007\t"a, ""b""\r\nc"\t\n2020-01-01\ttrue\t""\n'],
  ])('CSV with %s: every value is the text that is written', async (_, __, text) => {
    const { library } = newLibrary();
    const card = await library.import(await file('table.csv', text));
    expect(card.columns).toEqual([
      { name: 'q', type: 'text' },
      { name: 'the answer', type: 'text' },
      { name: 'empty', type: 'text' },
    ]);
    expect((await library.rows(card.id, all)).rows).toEqual([
      { q: '007', 'the answer': 'a, "b"\r\nc', empty: null },
      { q: '2020-01-01', 'the answer': 'true', empty: '' },
    ]);
  });

  it('CSV with a byte order mark, one column, names twice or missing', async () => {
    const { library } = newLibrary();
    const one = await library.import(await file('one.csv', '\uFEFFtext\nhello\nthere\n'));
    expect((await library.rows(one.id, all)).rows).toEqual([{ text: 'hello' }, { text: 'there' }]);
    const twice = await library.import(await file('twice.csv', 'a,A,\n1,2,3\n'));
    expect((await library.rows(twice.id, all)).rows).toEqual([{ a: '1', A_2: '2', column_3: '3' }]);
  });

  it('Parquet: fields that a row does not have, and NaN, are left out at any depth', async () => {
    const { library } = newLibrary();
    const path = join(scratch, 'files', 'merged.parquet');
    await mkdir(join(scratch, 'files'), { recursive: true });
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const none = 'NULL::STRUCT("type" VARCHAR, items STRUCT(a INT, b INT)[])';
    await connection.run(
      `COPY (SELECT
        [{'role': 'user', 'content': 'q', 'tool_calls': NULL::STRUCT("function" STRUCT("name" VARCHAR, arguments STRUCT(city VARCHAR, n INT)))[]},
         {'role': 'assistant', 'content': NULL, 'tool_calls': [{'function': {'name': 'f', 'arguments': {'city': 'O''slo', 'n': NULL::INT}}}]}] AS messages,
        [{'function': {'name': 'f', 'parameters': {'properties': {'city': {'type': 'string', 'items': [{'a': 1, 'b': NULL}]}, 'n': ${none}}, 'required': ['city']}}}] AS tools,
        {'a': 'nan'::DOUBLE, 'b': [1.5::DOUBLE, 'inf'::DOUBLE]} AS score, NULL::STRUCT(a INT) AS nothing, 'x' AS kept) TO '${path}' (FORMAT parquet)`,
    );
    connection.closeSync();
    const card = await library.import(path);
    expect(card.mapping).toMatchObject({ kind: 'chat', messages: 'messages', tools: 'tools' });
    expect(card.columns.map(({ type }) => type)).toEqual(['list', 'list', 'object', 'empty', 'text']);
    const parameters = {
      properties: { city: { type: 'string', items: [{ a: 1 }] } },
      required: ['city'],
    };
    expect((await library.rows(card.id, all)).rows).toEqual([
      {
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: { city: "O'slo" } } }] },
        ],
        tools: [{ function: { name: 'f', parameters } }],
        score: { b: [1.5, null] },
        nothing: null,
        kept: 'x',
      },
    ]);
  });

  it('Parquet: nested columns become JSON', async () => {
    const { library } = newLibrary();
    const path = join(scratch, 'files', 'nested.parquet');
    await mkdir(join(scratch, 'files'), { recursive: true });
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(
      `COPY (SELECT [{'role': 'user', 'content': 'hi'}, {'role': 'assistant', 'content': 'ho'}] AS messages, 'x' AS t, 5 AS n, DATE '2020-01-02' AS d, 'red'::ENUM('red', 'blue') AS e) TO '${path}' (FORMAT parquet)`,
    );
    connection.closeSync();
    const card = await library.import(path);
    expect(card).toMatchObject({
      format: 'parquet',
      rows: 1,
      mapping: { kind: 'chat', messages: 'messages' },
    });
    expect((await library.rows(card.id, all)).rows).toEqual([
      {
        messages: [
          { role: 'user', content: 'hi' },
          { role: 'assistant', content: 'ho' },
        ],
        t: 'x',
        n: 5,
        d: '2020-01-02',
        e: 'red',
      },
    ]);
  });
});

describe('bad files', () => {
  const cases: [name: string, content: string | Buffer, code: string, message: RegExp][] = [
    [
      'bad.jsonl',
      '{"q": "a"}\n{"q": "b"}\n\n{"q": oops}\n{"q": "d"}\n',
      'dataset.unreadable',
      /line 4 .*oops/s,
    ],
    ['cut.jsonl', '{"q": "a"}\n{"q": "b", "a": "yy', 'dataset.unreadable', /line 2 /],
    ['values.jsonl', '{"q": "a"}\n"text"\n', 'dataset.unreadable', /line 2 .*a string, not an object/],
    ['lists.jsonl', '{"q": "a"}\n[1]\n', 'dataset.unreadable', /line 2 .*a list, not an object/],
    [
      'latin.jsonl',
      Buffer.from('{"q": "a"}\n{"q": "caf\xe9"}\n', 'latin1'),
      'dataset.unreadable',
      /line 2 .*UTF-8/,
    ],
    ['bad.json', '[{"q": "a"},\n {"q": }]', 'dataset.unreadable', /line 2, column 8/],
    ['cut.json', '[{"q": "a"},\n {"q": "b"', 'dataset.unreadable', /line 2/],
    ['numbers.json', '[1, 2]', 'dataset.unreadable', /entry 1 of its list is a number \(1\)/],
    ['two.json', '{"a": [{"x": 1}], "b": [{"x": 1}]}', 'dataset.unreadable', /several lists \(a, b\)/],
    ['none.json', '{"a": 1,\n "b": {}}', 'dataset.unreadable', /no list/],
    ['more.csv', 'q,a\n1,x\n2,y,z\n', 'dataset.unreadable', /line 3 has 3/],
    ['less.csv', 'q,a\n1,x\n2\n', 'dataset.unreadable', /line 3 has 1/],
    ['open.csv', 'q,a\n1,x\n3,"never closed\n', 'dataset.unreadable', /opens in line 3 is never closed\./],
    [
      'latin.csv',
      Buffer.from('q,a\n1,caf\xe9\n', 'latin1'),
      'dataset.unreadable',
      /line 2: .*(unicode|utf-8)/i,
    ],
    ['head.csv', '"q,a\n', 'dataset.unreadable', /header/],
    ['cut.parquet', 'PAR1xxxxxxxxxxxxPAR1', 'dataset.unreadable', /Parquet|Footer|metadata/i],
    ['not.parquet', 'q,a\n1,2\n', 'dataset.unreadable', /PAR1/],
    ['packed.jsonl.gz', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), 'dataset.unreadable', /cannot be unpacked/],
    ['empty.jsonl', '', 'dataset.empty', /empty/],
    ['blank.jsonl', '\n \n', 'dataset.empty', /empty/],
    ['empty.json', ' [ ] ', 'dataset.empty', /no rows/],
    ['wrapped.json', '{"data": []}', 'dataset.empty', /no rows/],
    ['header.csv', 'q,a\n', 'dataset.empty', /no rows/],
  ];

  it.each(cases)('%s is one clear error, and leaves nothing behind', async (name, content, code, message) => {
    const { home, library } = newLibrary();
    const path = await file(`bad-${name}`, content);
    const error = await library.import(path).then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'CollieError', code });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    expect(error.hint).not.toBe('');
    expect(readdirSync(join(home, 'datasets'))).toEqual([]);
  });

  it('a line number is in the data of the error', async () => {
    const { library } = newLibrary();
    const path = await file('line.jsonl', '{"q": "a"}\n{"q": oops}\n');
    await expect(library.import(path)).rejects.toMatchObject({ data: { path, line: 2 } });
  });

  it('a missing file or a folder', async () => {
    const { library } = newLibrary();
    await expect(library.import(join(scratch, 'nowhere.jsonl'))).rejects.toMatchObject({
      code: 'dataset.not_found',
    });
    await expect(library.import(scratch)).rejects.toMatchObject({ code: 'dataset.unreadable' });
  });

  it('a cancelled import leaves nothing behind', async () => {
    const { home, library } = newLibrary();
    const controller = new AbortController();
    controller.abort();
    const path = await file('cancel.jsonl', jsonl(plainRows));
    await expect(library.import(path, '', { signal: controller.signal })).rejects.toMatchObject({
      code: 'job.cancelled',
    });
    expect(readdirSync(join(home, 'datasets'))).toEqual([]);
  });

  it('a running import is interrupted', async () => {
    const { home, library } = newLibrary();
    const rows = Array.from({ length: 200_000 }, (_, k) => ({
      question: `q ${k}`,
      answer: `a ${k}`.repeat(10),
    }));
    const path = await file('long.jsonl', jsonl(rows));
    const controller = new AbortController();
    const started = library.import(path, '', { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(started).rejects.toMatchObject({ code: 'job.cancelled' });
    expect(readdirSync(join(home, 'datasets'))).toEqual([]);
  });
});

describe('a full disk or too little memory', () => {
  it.each([
    ['IO Error: Could not write file "x": No space left on device', 'disk.full'],
    ['Out of Memory Error: failed to allocate data of size 1.0 GiB', 'memory.insufficient'],
  ])('%s', async (message, code) => {
    const failing = withDuckDB(async () => {
      throw new Error(message);
    });
    await expect(failing).rejects.toMatchObject({ name: 'CollieError', code });
  });
});

describe('the library', () => {
  it('keeps what it imported, gives a second one of a name another id, and removes', async () => {
    const { home, library } = newLibrary();
    const path = await file('same.jsonl', jsonl(plainRows));
    const first = await library.import(path);
    const second = await library.import(path);
    expect([first.id, second.id]).toEqual(['same', 'same-2']);
    const again = new DatasetLibrary(home);
    expect((await again.list()).map(({ id }) => id).sort()).toEqual(['same', 'same-2']);
    expect(await again.get('same')).toEqual(first);
    await again.remove('same');
    await expect(library.get('same')).rejects.toMatchObject({
      code: 'dataset.not_found',
      hint: 'There is: same-2.',
    });
    expect(existsSync(join(home, 'datasets', 'same'))).toBe(false);
  });

  it.each(['..', '../models', 'a/b', '', '.importing-1-x'])('refuses the id %j', async (id) => {
    const { library } = newLibrary();
    await expect(library.get(id)).rejects.toMatchObject({ code: 'dataset.not_found' });
    await expect(library.remove(id)).rejects.toMatchObject({ code: 'dataset.not_found' });
  });

  it('clears what a dead process left, not what a living one writes', async () => {
    const { home, library } = newLibrary();
    const ofProcess = (pid: number) => ownName('.importing-').replace(`-${process.pid}-`, `-${pid}-`);
    const dead = join(home, 'datasets', `${ofProcess(4194305)}abc`); // above the largest pid of Linux
    const alive = join(home, 'datasets', `${ofProcess(process.ppid)}abc`);
    await mkdir(dead, { recursive: true });
    await mkdir(alive, { recursive: true });
    await library.import(await file('clear.jsonl', jsonl(plainRows)));
    expect(existsSync(dead)).toBe(false);
    expect(existsSync(alive)).toBe(true);
  });

  it('pages and searches, and says where the rows are', async () => {
    const { library } = newLibrary();
    const rows = Array.from({ length: 60 }, (_, k) => ({
      q: `row ${k}`,
      tags: k % 20 === 7 ? ['Collie'] : [],
    }));
    const { id } = await library.import(await file('pages.jsonl', jsonl(rows)));
    const page = await library.rows(id, { offset: 50, limit: 20, search: '' });
    expect(page).toEqual({
      total: 60,
      rows: rows.slice(50),
      indices: [50, 51, 52, 53, 54, 55, 56, 57, 58, 59],
    });
    const found = await library.rows(id, { offset: 1, limit: 5, search: 'COLLIE' });
    expect(found).toEqual({ total: 3, rows: [rows[27], rows[47]], indices: [27, 47] });
    const none = await library.rows(id, { offset: 0, limit: 5, search: "'; DROP TABLE x; --%" });
    expect(none).toEqual({ total: 0, rows: [], indices: [] });
  });

  it('saves a mapping of columns there are', async () => {
    const { home, library } = newLibrary();
    const { id } = await library.import(await file('map.jsonl', jsonl([{ foo: 'a', bar: 'b' }])));
    expect((await library.get(id)).mapping).toBeNull();
    const mapping = {
      kind: 'prompt_answer',
      prompt: 'foo',
      answer: 'bar',
      context: null,
      system: null,
      history: null,
      tools: null,
    } as const;
    await library.setMapping(id, mapping);
    expect((await new DatasetLibrary(home).get(id)).mapping).toEqual(mapping);
    await expect(library.setMapping(id, { ...mapping, answer: 'baz' })).rejects.toMatchObject({
      code: 'dataset.missing_column',
      message: expect.stringContaining('It has: foo, bar.'),
      data: { column: 'baz', columns: ['foo', 'bar'] },
    });
    expect((await library.get(id)).mapping).toEqual(mapping);
  });

  it('resolves references, paths, and the rows of its own folder', async () => {
    const { home, library } = newLibrary();
    const path = await file('resolve.jsonl', jsonl(plainRows));
    const card = await library.import(path);
    const byId = await library.resolve('library:resolve');
    expect(byId.card).toEqual(card);
    expect((await library.resolve(byId.rowsPath)).card).toEqual(card);
    await expect(library.resolve('library:nope')).rejects.toMatchObject({ code: 'dataset.not_found' });
    await expect(library.resolve('/nowhere/x.jsonl')).rejects.toMatchObject({ code: 'dataset.not_found' });

    const other = await file('other.jsonl', jsonl(plainRows.slice(1)));
    const first = await library.resolve('other.jsonl', join(scratch, 'files'));
    expect(first.card).toMatchObject({ name: 'other.jsonl', source: other, rows: 2 });
    const cached = readdirSync(join(home, 'cache', 'datasets'));
    expect(cached).toHaveLength(1);
    expect((await library.resolve(other)).rowsPath).toBe(first.rowsPath);
    expect(readdirSync(join(home, 'cache', 'datasets'))).toEqual(cached);
    await writeFile(other, jsonl(plainRows));
    expect((await library.resolve(other)).card.rows).toBe(3);
    expect((await library.list()).map(({ id }) => id)).toEqual(['resolve']);
  });

  it('keeps the newest contents of files that are named by path', async () => {
    const { home, library } = newLibrary();
    const path = join(scratch, 'files', 'changing.jsonl');
    for (let version = 0; version < 18; version += 1) {
      await writeFile(path, jsonl([{ version: `v${version}` }]));
      const { rowsPath } = await library.resolve(path);
      expect(existsSync(rowsPath)).toBe(true);
    }
    expect(readdirSync(join(home, 'cache', 'datasets'))).toHaveLength(16);
  });

  it('writes a card that others can read', async () => {
    const { home, library } = newLibrary();
    await library.import(await file('card.jsonl', jsonl(plainRows)));
    const text = await readFile(join(home, 'datasets', 'card', 'dataset.json'), 'utf8');
    expect(JSON.parse(text)).toEqual(await library.get('card'));
  });
});
