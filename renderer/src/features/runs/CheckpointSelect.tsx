/** Which checkpoint of a run is meant; the newest and the best say so. */
import { Select, type SelectProps } from '@mantine/core';
import type { RunDetail } from '../../store/runs.ts';

type Checkpoint = RunDetail['checkpoints'][number];

/** Newest first. */
export const newestFirst = (detail: RunDetail): readonly Checkpoint[] =>
  [...detail.checkpoints].sort((a, b) => b.step - a.step);

const ordinals = new Map([
  [1, ''],
  [2, '2nd '],
  [3, '3rd '],
]);
/** "newest", "best", "2nd best", as they apply to the checkpoint at this place of `newestFirst`. */
export function checkpointMarks({ best }: Checkpoint, place: number): string[] {
  const newest = place === 0 ? ['newest'] : [];
  return best === null ? newest : [...newest, `${ordinals.get(best.place) ?? `${best.place}th `}best`];
}

interface Props extends Pick<SelectProps, 'description'> {
  detail: RunDetail;
  value: string;
  onChange(name: string): void;
}

export function CheckpointSelect({ detail, value, onChange, description }: Props) {
  return (
    <Select
      label="Checkpoint"
      description={description}
      data={newestFirst(detail).map((one, i) => {
        const marks = checkpointMarks(one, i);
        return {
          value: one.name,
          label: `Step ${one.step}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`,
        };
      })}
      value={value}
      allowDeselect={false}
      onChange={(name) => onChange(name ?? value)}
    />
  );
}

/** In the place of what a checkpoint is needed for. */
export const NO_CHECKPOINT =
  'This run has no checkpoint yet. One is saved at the intervals chosen for the run, when it is stopped, and when you press "Save now".';
