/** Four runs of a library that were evaluated on named sets, none of which has trained. */

import { writeRun } from '../../server/compare/support.ts';
import { addSet, answered, chose, likely, manual, parity, sums } from '../../support/made-sets.ts';

const range = (n: number) => Array.from({ length: n }, (_, k) => k);

/** Of 40 rows `low` has the first 20 right, `high` 35, at twice the loss of the given answers; `short` answers in fewer tokens; `older` has no set. */
export function writeComparedSets(home: string): void {
  const held = range(40).map((k) => 1 + (k % 7) / 10);
  const made = [
    { id: 'low', rate: 1e-4, right: 20, loss: 0.8, set: sums },
    { id: 'high', rate: 4e-4, right: 35, loss: 1.6, set: sums },
    {
      id: 'short',
      rate: 4e-4,
      right: 35,
      loss: 0.8,
      set: { ...sums, evaluator: { ...sums.evaluator, max_new_tokens: 10 } },
    },
  ] as const;
  for (const [place, { id, rate, right, loss, set }] of made.entries()) {
    const name = `${id[0]?.toUpperCase()}${id.slice(1)}`;
    const rows = held.map((one) => one - 0.2 * Number(right > 20));
    const dir = writeRun(home, id, { name, rate, minute: place, rows, losses: [2, 1.5, 1.2 - place / 10] });
    addSet(
      dir,
      set as typeof sums,
      range(40).map((k) => answered(k, k < right)),
    );
    addSet(
      dir,
      parity,
      range(40).map((k) => chose(k, k < right)),
    );
    addSet(
      dir,
      manual,
      range(40).map((k) => likely(k, loss + (k % 5) / 10)),
    );
  }
  writeRun(home, 'older', { name: 'Older', minute: 9 });
}
