import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ComparisonLibrary } from '../../../electron/server/compare/library.ts';
import { comparisonViewSchema } from '../../../electron/shared/runs/comparison.ts';

const view = comparisonViewSchema.parse({ runs: ['a', 'b'] });
let home: string;
let library: ComparisonLibrary;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-comparisons-'));
  library = new ComparisonLibrary(home);
});
afterEach(() => rmSync(home, { recursive: true }));

test('what is saved is there in another session, and changes keep its id', () => {
  const { id } = library.save('LoRA ranks', view, null);
  const again = new ComparisonLibrary(home);
  expect(again.get(id)).toMatchObject({ name: 'LoRA ranks', view });
  expect(again.save('Ranks', { ...view, baseline: 'b' }, id).id).toBe(id);
  expect(library.list()).toMatchObject([{ id, name: 'Ranks', view: { baseline: 'b' } }]);
  library.remove(id);
  expect(library.list()).toEqual([]);
});

test('no saved comparison, or a damaged one, is named', () => {
  for (const id of ['gone', '../../etc/passwd', ''])
    expect(() => library.get(id)).toThrow(expect.objectContaining({ code: 'request.invalid' }));
  const { id } = library.save('Whole', view, null);
  const path = join(home, 'comparisons/damaged.json');
  writeFileSync(path, '{"v": 1, "id":');
  expect(() => library.get('damaged')).toThrow(
    expect.objectContaining({ code: 'file.unreadable', message: expect.stringContaining(path) }),
  );
  expect(library.list().map((one) => one.id)).toEqual([id]);
});
