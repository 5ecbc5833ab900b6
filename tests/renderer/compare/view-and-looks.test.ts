/** The address of a comparison, and the colours of its runs. */
import { describe, expect, it } from 'vitest';
import { href, parseRoute } from '../../../renderer/src/app/route.ts';
import { movedRuns, queryOfView, viewOfQuery } from '../../../renderer/src/features/compare/view-address.ts';
import {
  assignSlots,
  LOOKS,
  lookOf,
  lookOfRun,
  looksOf,
  ownColors,
  RUN_COLORS,
} from '../../../renderer/src/features/runs/run-looks.ts';

describe('the address', () => {
  const there = (query: string) => viewOfQuery(new URLSearchParams(query));

  it('holds a view and gives it back', () => {
    for (const query of [
      'runs=a,b',
      'runs=a,b,c&by=seed,method.rank&baseline=b&pinned=c&rule=mean-10&record=best',
      'runs=a&groups=off&rule=equal-tokens&record=first',
      'runs=a&rule=best',
    ]) {
      const view = there(query);
      const { query: back } = parseRoute(href('compare', queryOfView(view)));
      expect(viewOfQuery(back)).toEqual(view);
    }
  });

  it('takes what it cannot read for not chosen', () => {
    expect(there('runs=,,a,a&rule=mean-1&record=worst&groups=maybe')).toEqual(there('runs=a'));
    expect(there('').runs).toEqual([]);
  });

  it('moves a group before the one it is dropped on, or behind it when it came from the front', () => {
    const order = ['a1', 'a2', 'b1', 'c1', 'c2'];
    expect(movedRuns(order, ['c1', 'c2'], ['a1', 'a2'])).toEqual(['c1', 'c2', 'a1', 'a2', 'b1']);
    expect(movedRuns(order, ['a1', 'a2'], ['c1', 'c2'])).toEqual(['b1', 'c1', 'c2', 'a1', 'a2']);
    expect(movedRuns(order, ['a1'], ['gone'])).toEqual(order);
  });
});

describe('colours', () => {
  it('stay with a run, and never meet in one comparison', () => {
    const storage = new Map<string, string>();
    const local = {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => void storage.set(key, value),
    };
    const first = looksOf(['b', 'a'], local);
    expect(looksOf(['a', 'c', 'b'], local).get('a')).toEqual(first.get('a'));
    expect(looksOf(['b', 'a'], local)).toEqual(first);
    const twelve = looksOf(
      Array.from({ length: 12 }, (_, k) => `x${k}`),
      local,
    );
    expect(new Set([...twelve.values()].map((look) => JSON.stringify(look))).size).toBe(12);
    storage.set('collie.runs.colors', '{"torn');
    expect(looksOf(['a'], local).size).toBe(1);
  });

  it('are the same in lists, on the page of a run and in a comparison', () => {
    const storage = new Map<string, string>();
    let writes = 0;
    const local = {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => {
        writes += 1;
        storage.set(key, value);
      },
    };
    const listed = ['r1', 'r2', 'r3'].map((id) => lookOfRun(id, local));
    expect(new Set(listed.map(({ color }) => color)).size).toBe(3);
    expect(writes).toBe(0); // All at once, a moment later, or when a comparison asks for them.
    expect([...looksOf(['r1', 'r2', 'r3'], local).values()]).toEqual(listed);
    expect(looksOf(['r3', 'new'], local).get('r3')).toEqual(listed[2]);
    expect(lookOfRun('new', local)).toEqual(looksOf(['new'], local).get('new'));
  });

  it('leave the other lines of a run distinct from its own', () => {
    expect(ownColors({ color: 'var(--run-2)' })).toEqual({
      '--chart-1': 'var(--run-2)',
      '--chart-2': 'var(--run-1)',
    });
    expect(ownColors({ color: 'var(--run-7)' })).toEqual({ '--chart-1': 'var(--run-7)' });
  });

  it('take the next free look where two have the same', () => {
    expect(
      assignSlots(
        ['a', 'b'],
        new Map([
          ['a', 3],
          ['b', 3],
        ]),
      ),
    ).toEqual(
      new Map([
        ['a', 3],
        ['b', 0],
      ]),
    );
    // Other slots, but they would look the same.
    const alike = new Map([
      ['a', 3],
      ['b', 3 + LOOKS],
    ]);
    expect(assignSlots(['a', 'b'], alike).get('b')).toBe(0);
    const many = Array.from({ length: 3 * LOOKS }, (_, k) => `many${k}`);
    expect(assignSlots(many, new Map(many.map((id) => [id, 7]))).size).toBe(many.length);
    expect(lookOf(RUN_COLORS)).toEqual({ color: 'var(--run-1)', dash: '7 3' });
  });
});
