import { expect, test } from 'vitest';
import { rankEnvironment } from '../../../electron/server/rank/rank.ts';

test('threads of a rank give their processor up soon, unless the user has said how they wait', () => {
  expect(rankEnvironment({})).toEqual({ GOMP_SPINCOUNT: '1000' });
  expect(rankEnvironment({ OMP_WAIT_POLICY: 'active' })).toEqual({});
  expect(rankEnvironment({ GOMP_SPINCOUNT: '5' })).toEqual({});
});
