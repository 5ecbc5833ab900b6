import {
  type Icon,
  IconCircleCheck,
  IconCircleX,
  IconHourglass,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconStack2,
} from '@tabler/icons-react';
import type { RunState } from '../../../../electron/shared/runs/events.ts';
import classes from './RunStateBadge.module.css';

/** Words and shapes first; colour only repeats them. */
const looks: Record<RunState, { label: string; icon: Icon; color: string }> = {
  queued: { label: 'Queued', icon: IconStack2, color: 'gray' },
  preparing: { label: 'Preparing', icon: IconHourglass, color: 'blue' },
  starting: { label: 'Starting', icon: IconHourglass, color: 'blue' },
  running: { label: 'Running', icon: IconPlayerPlay, color: 'blue' },
  stopping: { label: 'Stopping', icon: IconPlayerPause, color: 'yellow' },
  stopped: { label: 'Stopped', icon: IconPlayerStop, color: 'gray' },
  completed: { label: 'Completed', icon: IconCircleCheck, color: 'teal' },
  failed: { label: 'Failed', icon: IconCircleX, color: 'red' },
};

export const stateLabel = (state: RunState): string => looks[state].label;

interface Props {
  readonly state: RunState;
  readonly size?: 'sm' | 'md';
  /** Another word than that of the state. */
  readonly word?: string | undefined;
}

/** Plain elements: a list draws one for every row that scrolls by. */
export function RunStateBadge({ state, size = 'sm', word }: Props) {
  const { label, icon: Glyph, color } = looks[state];
  return (
    <span className={classes.badge} data-color={color} data-size={size}>
      <Glyph size={12} aria-hidden />
      {word ?? label}
    </span>
  );
}
