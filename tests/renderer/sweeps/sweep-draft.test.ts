import { describe, expect, it } from 'vitest';
import { expandSweep, sweepSchema } from '../../../electron/shared/spec/sweep.ts';
import {
  draftOf,
  newSetting,
  newSweepDraft,
  type SweepDraft,
  sweepOf,
} from '../../../renderer/src/store/sweep-draft.ts';

const RATE = 'optimizer.learning_rate';
const spec = { name: 'x', method: { type: 'lora', rank: 8 }, optimizer: { type: 'adamw' } };
const draft = (part: Partial<SweepDraft>): SweepDraft => ({ ...newSweepDraft(), name: 'Rates', ...part });
const list = (path: string, ...values: string[]) => ({ ...newSetting(path, null), values });
const range = (from: string, to: string) => ({ ...newSetting(RATE, null), how: 'range' as const, from, to });

describe('a sweep that is typed', () => {
  it('becomes the sweep of a file, each text in the kind of its setting', () => {
    const asked = sweepOf(
      draft({
        settings: [
          list(RATE, '1e-4', '0.0002'),
          list('method.target_modules', 'q_proj, v_proj'),
          list('batch.packing', 'true'),
          list('method.type', 'lora', 'dora'),
        ],
        seeds: ['1', '2'],
        constraints: [{ left: RATE, is: '<=', right: '1e-3' }],
        ...{ rungs: ['6000', '2000'], eta: 2, plateau: 3, leastGain: 0.01, budgetHours: 1.5 },
      }),
      spec,
    );
    expect(asked).toEqual({
      sweep: {
        ...{
          name: 'Rates',
          spec: { method: spec.method, optimizer: spec.optimizer },
          search: 'grid',
          points: 16,
        },
        settings: {
          [RATE]: { values: [1e-4, 2e-4] },
          'method.target_modules': { values: [['q_proj', 'v_proj']] },
          'batch.packing': { values: [true] },
          'method.type': { values: ['lora', 'dora'] },
        },
        ...{ halving: { rungs: [2000, 6000], eta: 2 }, plateau: { evaluations: 3, least: 0.01 } },
        budget: { hours: 1.5, tokens: null },
        ...{ search_seed: 0, seeds: [1, 2], constraints: [{ left: RATE, is: '<=', right: 1e-3 }] },
      },
    });
  });

  it.each<[string, Partial<SweepDraft>, string]>([
    ['no setting', {}, 'Choose a setting to sweep.'],
    ['no name', { name: ' ', settings: [list(RATE, '1')] }, 'Give the sweep a name.'],
    ['no value', { settings: [list(RATE)] }, 'Learning rate: give it values.'],
    ['no number', { settings: [list(RATE, 'fast')] }, 'Learning rate: "fast" is no number.'],
    ['half a range', { settings: [range('1e-5', '')] }, 'Learning rate: a number is missing.'],
    [
      'half a constraint',
      { settings: [list(RATE, '1')], constraints: [{ left: RATE, is: '<', right: '' }] },
      'A constraint needs both of its sides.',
    ],
  ])('says what is still to do: %s', (_, part, todo) => {
    expect(sweepOf(draft(part), spec)).toEqual({ todo });
  });

  it('is the same after a way through the record', () => {
    const asked = sweepOf(
      draft({
        settings: [range('1e-5', '1e-3'), list('method.rank', '4', '8')],
        ...{ seeds: ['3'], rungs: ['2000'], plateau: 2, budgetTokens: 5000 },
      }),
      { ...spec, evaluation: { every_steps: 5 } },
    );
    if ('todo' in asked) throw new Error(asked.todo);
    const sweep = sweepSchema.parse(asked.sweep);
    const again = sweepOf(draftOf(sweep), sweep.spec);
    expect('sweep' in again && sweepSchema.parse(again.sweep)).toEqual(sweep);
    expect(expandSweep(sweep).points).toHaveLength(6);
  });
});
