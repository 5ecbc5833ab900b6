/** What of a dataset a mapping does not use, in sentences: nothing is left aside without a word. */
import type { DatasetCard } from '../../shared/api/entities.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { mappedColumns } from './messages.ts';

const REJECTED = /^(rejected|rejected_response|response_rejected|bad)$/i;
/** Of answers that are wanted or not (TRL's and LLaMA-Factory's data for KTO). */
const WANTED = /^(label|kto_tag|desirable|is_desirable)$/i;
const MEDIA = /^(images?|videos?|audios?|pixel_values)$/i;
const SHOWN = 12;

export interface Unused {
  /** A preference pair's other answer. */
  rejected: string[];
  /** Whether an answer is wanted. */
  wanted: string[];
  /** Columns of images, audio or video that hold something. */
  media: string[];
  other: string[];
}

/** Columns that the mapping does not read. */
export function unusedColumns(card: DatasetCard, mapping: Mapping): Unused {
  const used = new Set(mappedColumns(mapping));
  const columns = card.columns.filter(({ name, type }) => !used.has(name) && type !== 'empty');
  const names = (test: (name: string) => boolean) => columns.map(({ name }) => name).filter(test);
  const truths = new Set(columns.filter(({ type }) => /^bool/i.test(type)).map(({ name }) => name));
  const isWanted = (name: string) => WANTED.test(name) && truths.has(name);
  return {
    rejected: names((name) => REJECTED.test(name)),
    wanted: names(isWanted),
    media: names((name) => MEDIA.test(name)),
    other: names((name) => !REJECTED.test(name) && !MEDIA.test(name) && !isWanted(name)),
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
  const { rejected, wanted, media, other } = unusedColumns(card, mapping);
  return [
    ...(rejected.length > 0
      ? [
          `The ${columns(rejected)} of "${card.name}" (the worse answer of a pair) is not used: this run only learns the chosen answers.`,
        ]
      : []),
    ...(wanted.length > 0
      ? [
          `The ${columns(wanted)} of "${card.name}" (whether an answer is wanted) is not used: this run learns all answers, also those with false.`,
        ]
      : []),
    ...(media.length > 0
      ? [`The ${columns(media)} of "${card.name}" is not used: only texts are trained.`]
      : []),
    ...(other.length > 0 ? [`Not used of "${card.name}": ${columns(other)}.`] : []),
  ];
}
