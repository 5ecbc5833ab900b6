/** When a run is started again by itself, and what it says when it is not. */
import { describe, expect, it } from 'vitest';
import { CollieError, errorCodes } from '../../electron/shared/errors.ts';
import { besideCheckpoint, refusalOf, unrecovered } from '../../electron/supervisor/recovery.ts';

const died = new CollieError('rank.died', 'Rank 1 died.', 'Resume the run.', { rank: 1 });
const history = { restarts: 0, most: 9, fruitless: 0 };

describe('another try', () => {
  it('is made after a death or a hang, as often as allowed', () => {
    expect(refusalOf(died, history)).toBeNull();
    expect(refusalOf(new CollieError('rank.hung', ''), { ...history, restarts: 8 })).toBeNull();
    expect(refusalOf(died, { ...history, restarts: 9 })).toBe('recovery.max_restarts is used up (9)');
  });

  it('is not made for anything else, which would only come again', () => {
    const others = errorCodes.filter((code) => code !== 'rank.died' && code !== 'rank.hung');
    for (const code of others)
      expect(refusalOf(new CollieError(code, ''), history)).toBe(`a restart would meet ${code} again`);
  });

  it('is not made after two attempts in a row that saved nothing new', () => {
    expect(refusalOf(died, { ...history, fruitless: 1 })).toBeNull();
    expect(refusalOf(died, { ...history, fruitless: 2 })).toMatch(/^2 attempts in a row ended before/);
  });
});

it('a failure says why nothing is tried, unless nobody asked for it', () => {
  expect(unrecovered(died, 'the reason').toInfo()).toEqual({
    ...died.toInfo(),
    hint: 'It was not started again by itself: the reason. Resume the run.',
  });
  expect(refusalOf(died, { ...history, most: 0 })).toBe('');
  expect(unrecovered(died, '').toInfo()).toEqual(died.toInfo());
});

describe('a checkpoint that cannot be read', () => {
  const folder = '/runs/x/checkpoints/step-00000004';
  const cut = new CollieError('checkpoint.truncated', 'It is cut off.', 'Resume from another checkpoint.');
  const told = (failure: CollieError, all: string[]) =>
    besideCheckpoint(
      failure,
      '/runs/x',
      'step-00000004',
      all.map((name) => ({ name })),
    ).hint;

  it('offers the one before it, and says what to do when there is none', () => {
    const all = ['step-00000001', 'step-00000002', 'step-00000004'].map((name) => ({ name }));
    const offered = besideCheckpoint(cut, '/runs/x', 'step-00000004', all);
    expect(offered.hint).toBe(
      'Resume from another checkpoint. The one before it is step-00000002: resume from there (`collie run --resume x --checkpoint step-00000002`).',
    );
    expect(offered.data.older).toBe('step-00000002');
    expect(told(cut, ['step-00000004'])).toContain(`remove ${folder} to begin at step 0`);
    const path = `${folder}/adapter.rank-001.safetensors`;
    const unreadable = new CollieError('file.unreadable', '', 'Check that you may read it.', { path });
    expect(told(unreadable, [])).toContain(`remove ${folder}`);
  });

  it('is not to blame for anything else', () => {
    expect(told(died, ['step-00000004'])).toBe(died.hint);
    expect(besideCheckpoint(cut, '/runs/x', null, [])).toBe(cut);
  });
});
