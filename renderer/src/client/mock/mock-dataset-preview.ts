/** What the mock host says of a file that is to be imported. */
import type { DatasetPreview } from '../../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../../electron/shared/errors.ts';
import { mockDatasets, mockRow } from './mock-data.ts';

/** Names choose what is wrong: "ragged" a CSV file with uneven rows, "blank" rows without answers; others are sound. */
export function mockDatasetPreview(path: string, ragged?: 'refuse' | 'leave_out'): DatasetPreview {
  const uneven = /ragged/.test(path);
  if (uneven && ragged !== 'leave_out')
    throw new CollieError(
      'dataset.unreadable',
      `${path} cannot be read: 2 rows have another number of fields than the 3 of the header: line 5 has 4, line 9 has 1.`,
      'Quote fields that hold the delimiter or a line break, or import the file without these rows (ragged rows: leave out).',
      { lines: [5, 9], choice: 'ragged' },
    );
  const card = mockDatasets[0] as (typeof mockDatasets)[number];
  const { format, columns, rows, sizeBytes, mapping } = card;
  const blank = {
    reason: 'blank_answer',
    what: 'have a null or blank answer',
    rows: 3,
    examples: [4, 9, 12],
    first: 'Row 4, column "answer": the answer is blank.',
  };
  return {
    format: uneven ? 'csv' : format,
    columns,
    rows,
    sizeBytes,
    mapping,
    notes: uneven
      ? ['2 rows have another number of fields than the header and were left out (lines 5, 9).']
      : [],
    unusable: /blank/.test(path) ? [blank] : [],
    unused: [`Not used of "${card.name}": column "topic".`],
    sample: Array.from({ length: 5 }, (_, k) => mockRow(card.id, k)),
  };
}
