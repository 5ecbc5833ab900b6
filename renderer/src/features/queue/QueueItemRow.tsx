/** One entry of the queue. Its handle is dragged with the mouse, and moves it with the arrow keys. */
import { ActionIcon, Anchor, Menu, Text } from '@mantine/core';
import {
  IconArrowBarToDown,
  IconArrowBarToUp,
  IconArrowDown,
  IconArrowUp,
  IconDots,
  IconGripVertical,
  IconLinkOff,
  IconPlayerPlay,
  IconPlayerSkipForward,
  IconPlayerTrackNext,
  IconTrash,
} from '@tabler/icons-react';
import type { DragEvent, KeyboardEvent, ReactNode } from 'react';
import type { QueueItem } from '../../../../electron/shared/runs/queue.ts';
import { href } from '../../app/route.ts';
import { formatBytes, formatEta } from '../../components/format.ts';
import { Hint } from '../../components/Hint.tsx';
import { useStore } from '../../store/context.tsx';
import classes from './Queue.module.css';
import { laneName, startText } from './queue-view.ts';

const icon = { size: 16, 'aria-hidden': true } as const;

interface Props {
  readonly item: QueueItem;
  readonly place: number;
  readonly count: number;
  readonly paused: boolean;
  readonly dragged: boolean;
  readonly target: boolean;
  /** To a place counted from 0. */
  readonly onMove: (place: number) => void;
  readonly onRemove: () => void;
  readonly drag: {
    readonly onDragStart: (event: DragEvent) => void;
    readonly onDragEnd: () => void;
    readonly onDragOver: (event: DragEvent) => void;
    readonly onDrop: () => void;
  };
}

export function QueueItemRow(props: Props) {
  const { item, place, count, paused, onMove, drag } = props;
  const move = (event: KeyboardEvent) => {
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to < count) onMove(to);
  };
  const { onDragStart, onDragEnd, ...over } = drag;
  return (
    <li
      className={classes.item}
      data-dragged={props.dragged || undefined}
      data-target={props.target || undefined}
      {...over}
    >
      <Hint label="Drag, or press the arrow keys, to change the order">
        <button
          type="button"
          className={classes.handle}
          draggable
          onDragStart={onDragStart}
          onDragEnd={onDragEnd}
          onKeyDown={move}
          aria-label={`Move ${item.name}, place ${place + 1} of ${count}`}
        >
          <IconGripVertical {...icon} />
        </button>
      </Hint>
      <Text className={classes.place ?? ''} size="sm" c="dimmed" data-tabular>
        {place + 1}
      </Text>
      <div className={classes.name}>
        <Anchor href={href('runs', item.id)} size="sm" fw={550} lineClamp={1}>
          {item.name}
        </Anchor>
        <Text size="xs" c="dimmed">
          {item.reason ||
            (item.mode === 'resume' ? 'Goes on from its checkpoint' : 'Starts when it is its turn')}
        </Text>
      </div>
      <Cell label="Starts">{startText(item, paused)}</Cell>
      <Cell label="Takes">{item.seconds === null ? 'Not known yet' : formatEta(item.seconds)}</Cell>
      <Cell label={`Memory, ${laneName(item.lane)}`}>
        {item.memoryBytes === null ? 'Not known' : formatBytes(item.memoryBytes)}
      </Cell>
      <ItemMenu {...props} />
    </li>
  );
}

const Cell = ({ label, children }: { label: string; children: ReactNode }) => (
  <div className={classes.cell}>
    <span className={classes.label}>{label}</span>
    {children}
  </div>
);

function ItemMenu({ item, place, count, onMove, onRemove }: Props) {
  const change = useStore((s) => s.changeQueue);
  const { id, skipped } = item;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${item.name}`}>
          <IconDots {...icon} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconPlayerPlay {...icon} />}
          onClick={() => void change('queue.startNow', { id }, 'The run did not start')}
        >
          Start now
        </Menu.Item>
        <Menu.Item
          leftSection={skipped ? <IconPlayerTrackNext {...icon} /> : <IconPlayerSkipForward {...icon} />}
          onClick={() => void change('queue.change', { id, skipped: !skipped }, 'The queue was not changed')}
        >
          {skipped ? 'Let it take its turn' : 'Skip'}
        </Menu.Item>
        {item.after !== null && (
          <Menu.Item
            leftSection={<IconLinkOff {...icon} />}
            onClick={() => void change('queue.change', { id, after: null }, 'The queue was not changed')}
          >
            Do not wait for the other run
          </Menu.Item>
        )}
        <Menu.Divider />
        <MoveItem icon={<IconArrowBarToUp {...icon} />} off={place === 0} onClick={() => onMove(0)}>
          To the front
        </MoveItem>
        <MoveItem icon={<IconArrowUp {...icon} />} off={place === 0} onClick={() => onMove(place - 1)}>
          Up
        </MoveItem>
        <MoveItem
          icon={<IconArrowDown {...icon} />}
          off={place === count - 1}
          onClick={() => onMove(place + 1)}
        >
          Down
        </MoveItem>
        <MoveItem
          icon={<IconArrowBarToDown {...icon} />}
          off={place === count - 1}
          onClick={() => onMove(count - 1)}
        >
          To the end
        </MoveItem>
        <Menu.Divider />
        <Menu.Item leftSection={<IconTrash {...icon} />} color="red" onClick={onRemove}>
          Take out…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const MoveItem = (props: { icon: ReactNode; off: boolean; onClick: () => void; children: ReactNode }) => (
  <Menu.Item leftSection={props.icon} disabled={props.off} onClick={props.onClick}>
    {props.children}
  </Menu.Item>
);
