/** How one axis of parallel coordinates is drawn, and which part of it is kept: what a drag does, for the keyboard. */
import { Checkbox, Group, Popover, RangeSlider, Text, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import classes from './Compare.module.css';
import { writeColumn } from './ExploreTab.tsx';
import type { DrawnAxis } from './ParallelPlot.tsx';

interface Props {
  axis: DrawnAxis;
  log: boolean;
  flipped: boolean;
  /** Shares of the axis, from the bottom; null: all of it. */
  brush: readonly [number, number] | null;
  onLog: () => void;
  onFlip: () => void;
  onBrush: (range: readonly [number, number] | null) => void;
}

/** Steps of the slider. */
const FINE = 100;

export function AxisControls({ axis, log, flipped, brush, onLog, onFlip, onBrush }: Props) {
  const { column, scale } = axis;
  const { title } = column;
  return (
    <Group gap={8}>
      <Text size="xs" fw={550}>
        {title}
      </Text>
      {scale.positive && (
        <Checkbox size="xs" label="log" aria-label={`${title}: logarithmic`} checked={log} onChange={onLog} />
      )}
      <Checkbox
        size="xs"
        label="flipped"
        aria-label={`${title}: flipped`}
        checked={flipped}
        onChange={onFlip}
      />
      <Kept axis={axis} brush={brush} onBrush={onBrush} />
    </Group>
  );
}

function Kept({ axis: { column, scale }, brush, onBrush }: Pick<Props, 'axis' | 'brush' | 'onBrush'>) {
  const [opened, setOpened] = useState(false);
  const write = writeColumn(column);
  const label = (place: number) => {
    const value = scale.value(place / FINE);
    return typeof value === 'number' ? write(value) : value;
  };
  const [from, to] = brush ?? [0, 1];
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus returnFocus withArrow position="top">
      <Popover.Target>
        <UnstyledButton
          className={classes.more ?? ''}
          aria-label={`${column.title}: keep a part`}
          onClick={() => setOpened(!opened)}
        >
          keep…
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="xs" mb={28}>
          Runs between
        </Text>
        <RangeSlider
          w={260}
          size="sm"
          min={0}
          max={FINE}
          minRange={0}
          labelAlwaysOn
          label={label}
          thumbFromLabel={`${column.title}: lower end`}
          thumbToLabel={`${column.title}: upper end`}
          value={[Math.round(from * FINE), Math.round(to * FINE)]}
          onChange={([low, high]) => onBrush(low === 0 && high === FINE ? null : [low / FINE, high / FINE])}
        />
      </Popover.Dropdown>
    </Popover>
  );
}
