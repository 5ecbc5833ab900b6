import { Badge } from '@mantine/core';
import {
  type Icon,
  IconCircleCheck,
  IconCircleX,
  IconHourglass,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
} from '@tabler/icons-react';
import type { RunState } from '../../../../electron/shared/runs/events.ts';

/** Words and shapes first; colour only repeats them. */
const looks: Record<RunState, { label: string; icon: Icon; color: string }> = {
  preparing: { label: 'Preparing', icon: IconHourglass, color: 'blue' },
  starting: { label: 'Starting', icon: IconHourglass, color: 'blue' },
  running: { label: 'Running', icon: IconPlayerPlay, color: 'blue' },
  stopping: { label: 'Stopping', icon: IconPlayerPause, color: 'yellow' },
  stopped: { label: 'Stopped', icon: IconPlayerStop, color: 'gray' },
  completed: { label: 'Completed', icon: IconCircleCheck, color: 'teal' },
  failed: { label: 'Failed', icon: IconCircleX, color: 'red' },
};

export const stateLabel = (state: RunState): string => looks[state].label;

export function RunStateBadge({ state, size = 'sm' }: { state: RunState; size?: 'sm' | 'md' }) {
  const { label, icon: Glyph, color } = looks[state];
  return (
    <Badge
      variant="light"
      color={color}
      size={size}
      tt="none"
      leftSection={<Glyph size={12} aria-hidden />}
      // Shade 9 alone is too light on the tint of teal and yellow.
      c={`light-dark(color-mix(in srgb, var(--mantine-color-${color}-9) 80%, black), var(--mantine-color-${color}-3))`}
      style={{ flexShrink: 0 }}
    >
      {label}
    </Badge>
  );
}
