/** What of a dataset a mapping does not use, in sentences: nothing is left aside without a word. */
import type { DatasetCard } from '../../shared/api/entities.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { mappedColumns } from './messages.ts';

const REJECTED = /^(rejected|rejected_response|response_rejected|bad)$/i;
const MEDIA = /^(images?|videos?|audios?|pixel_values)$/i;
const SHOWN = 12;

export interface Unused {
  /** A preference pair's other answer. */
  rejected: string[];
  /** Columns of images, audio or video that hold something. */
  media: string[];
  other: string[];
}

/** Columns that the mapping does not read. */
export function unusedColumns(card: DatasetCard, mapping: Mapping): Unused {
  const used = new Set(mappedColumns(mapping));
  const columns = card.columns.filter(({ name, type }) => !used.has(name) && type !== 'empty');
  const names = (test: (name: string) => boolean) => columns.map(({ name }) => name).filter(test);
  return {
    rejected: names((name) => REJECTED.test(name)),
    media: names((name) => MEDIA.test(name)),
    other: names((name) => !REJECTED.test(name) && !MEDIA.test(name)),
  };
}

const quoted = (names: readonly string[]) =>
  names
    .slice(0, SHOWN)
    .map((name) => `"${name}"`)
    .join(', ') + (names.length > SHOWN ? `, and ${names.length - SHOWN} more` : '');
const columns = (names: readonly string[]) => `${names.length === 1 ? 'column' : 'columns'} ${quoted(names)}`;

/** Sentences about them, for the preview, the log and the command line. */
export function unusedSentences(card: DatasetCard, mapping: Mapping): string[] {
  const { rejected, media, other } = unusedColumns(card, mapping);
  return [
    ...(rejected.length > 0
      ? [
          `The ${columns(rejected)} of "${card.name}" (the worse answer of a pair) is not used: this run only learns the chosen answers.`,
        ]
      : []),
    ...(media.length > 0
      ? [`The ${columns(media)} of "${card.name}" is not used: only texts are trained.`]
      : []),
    ...(other.length > 0 ? [`Not used of "${card.name}": ${columns(other)}.`] : []),
  ];
}
