/** Named evaluation sets in a comparison: whatever may be wrong with a record. */
import { appendFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { setRecord, setRowsFile } from '../../../electron/shared/runs/run-folder.ts';
import { addSet, answered, likely, manual, sums } from '../../support/made-sets.ts';
import { ANY, better, ComparedSets, range, view } from './sets-support.ts';
import { viewOf, writeRun } from './support.ts';

const made = new ComparedSets();

describe('what may be wrong with a record', () => {
  it('a run without the set, of an older version, or with settings that cannot be read', async () => {
    made.two(sums, ...better(answered));
    writeRun(made.home, 'older', { rows: range(40).map(() => 1) });
    const three = viewOf({ runs: ['a', 'older'], grouped: false });
    expect((await made.verdictOn('sums', three)).sentence).toBe(
      'Not comparable: older has no evaluation set "sums".',
    );
    expect((await made.compare.examples(three, 'older', { ...ANY, set: 'sums' })).problem).toBe(
      'Older has no evaluation set "sums".',
    );
    writeFileSync(join(made.home, 'runs/b/spec.json'), '{"cut');
    expect((await made.verdictOn('sums')).sentence).toContain('b has settings that cannot be read');
  });

  it('a set with no row, and one that has not been evaluated', async () => {
    made.two(sums, [], []);
    expect((await made.verdictOn('sums')).sentence).toBe(
      'Not comparable: a, b have not evaluated a row of "sums".',
    );
    for (const id of ['a', 'b'])
      writeFileSync(
        join(made.home, 'runs', id, 'data/meta.json'),
        JSON.stringify({ sets: [{ name: 'sums', rows: 3, evaluated: 0, warnings: [] }] }),
      );
    expect((await made.verdictOn('sums')).sentence).toBe(
      'Not comparable: a, b have no row to evaluate in "sums".',
    );
    expect(made.compare.summaries(view, 3)[0]).toMatchObject({
      problem: 'A, b have no row to evaluate in "sums".',
      metrics: [],
      rows: [],
    });
    const { text } = await made.compare.export('x', view, 'html');
    expect(text).toContain('no row to evaluate');
  });

  it('a file that is half written, or gone, or something else', async () => {
    made.two(sums, ...better(answered));
    const record = join(made.home, 'runs/b', setRecord('sums', 3));
    const whole = readFileSync(record, 'utf8');
    writeFileSync(record, whole.slice(0, Math.floor(whole.length * 0.7)));
    const torn = await made.verdictOn('sums');
    expect(torn.rows).toBeLessThan(40);
    expect(torn.rows).toBeGreaterThan(20);
    expect(torn.notes).toContain(
      `${40 - torn.rows} rows of the record of b cannot be read, and are left out.`,
    );
    expect(torn.notes).toContain(
      `Only the ${torn.rows} rows that both evaluated are compared, of 40 and ${torn.rows}.`,
    );
    writeFileSync(record, whole.slice(0, 30));
    expect((await made.verdictOn('sums')).sentence).toContain(
      'b has a record of step 3 of which no row can be read',
    );
    unlinkSync(record);
    expect((await made.verdictOn('sums')).sentence).toContain('b has not evaluated a row of "sums"');
    writeFileSync(record, whole);
    unlinkSync(join(made.home, 'runs/a', setRowsFile('sums')));
    expect((await made.compare.examples(view, 'b', ANY)).problem).toBe(
      'A has not evaluated a row of "sums".',
    );
  });

  it('scores and losses that are not numbers are left out of their metric', async () => {
    made.two(sums, ...better(answered));
    const record = join(made.home, 'runs/b', setRecord('sums', 3));
    writeFileSync(record, readFileSync(record, 'utf8').replaceAll('"word_f1":0}', '"word_f1":null}'));
    const verdict = await made.verdictOn('sums');
    expect(verdict.rows).toBe(40);
    expect(verdict.notes).toContain('5 rows without a F1 of words in one of the two are left out of it.');
    expect(
      verdict.tests.every(({ difference, p }) => Number.isFinite(difference) && Number.isFinite(p)),
    ).toBe(true);
    made.two(
      manual,
      range(40).map((k) => likely(k, 1)),
      range(40).map((k) => likely(k, 2)),
    );
    const losses = join(made.home, 'runs/b', setRecord('manual', 3));
    appendFileSync(losses, '{"row":99,"loss":1,"targets":1,"correct":1,"scores":{}}\n');
    writeFileSync(losses, readFileSync(losses, 'utf8').replace('"loss":8', '"loss":null'));
    const rest = await made.verdictOn('manual');
    expect(rest).toMatchObject({ outcome: 'worse', rows: 39 });
    expect(rest.notes).toContain('1 row of the record of b cannot be read, and is left out.');
  });

  it('the best evaluation of a set is that of its own metric', async () => {
    made.two(sums, ...better(answered));
    addSet(
      join(made.home, 'runs/b'),
      sums,
      range(40).map((k) => answered(k, true)),
      2,
    );
    const at = async (record: 'first' | 'best' | 'last') => {
      const found = made.compare.summaries({ ...view, record }, 1)[0];
      return found?.rows[0]?.candidate[0]?.step;
    };
    expect([await at('first'), await at('best'), await at('last')]).toEqual([2, 2, 3]);
  });
});
