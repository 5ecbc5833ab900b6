/** The groups that are compared: their order, the baseline, and what can be done with each. Always in view, whatever tab is open. */
import { Menu } from '@mantine/core';
import {
  IconArrowLeft,
  IconArrowRight,
  IconCopy,
  IconDots,
  IconMessages,
  IconPackageExport,
  IconPin,
  IconPinFilled,
  IconPlayerTrackNext,
  IconStar,
  IconStarFilled,
  IconX,
} from '@tabler/icons-react';
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { href, navigate } from '../../app/route.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { useStore } from '../../store/context.tsx';
import { allowedActions } from '../runs/run-view.ts';
import { usePageRunCommands } from '../runs/use-run-commands.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { useActions } from './use-actions.ts';
import type { Comparison } from './use-comparison.ts';
import { movedRuns } from './view-address.ts';

const icon = { size: 16, 'aria-hidden': true } as const;

/** Groups that are shown until all are asked for; each costs twelve elements. */
const MOST_SHOWN = 40;

interface Props {
  compared: Compared;
  comparison: Comparison;
}

export function GroupsBar({ compared, comparison }: Props) {
  const { groups, view } = compared;
  const [dragged, setDragged] = useState<LookedGroup | null>(null);
  const [opened, setOpened] = useState<string | null>(null);
  const [all, setAll] = useState(false);
  const { list, keep } = useKeptFocus();
  const shown = all ? groups : groups.filter((group, place) => place < MOST_SHOWN || group.baseline);
  const move = (group: LookedGroup, target: LookedGroup | undefined) => {
    if (!target || target === group) return;
    // The baseline stays what it is, also where it was only the first.
    const baseline = compared.baseline?.key ?? null;
    comparison.change({ runs: movedRuns(view.runs, group.runs, target.runs), baseline });
  };
  return (
    <ul ref={list} className={classes.groups} aria-label="Groups">
      {shown.map((group) => {
        const place = groups.indexOf(group);
        const drag = {
          draggable: true,
          onDragStart: (event: DragEvent) => {
            event.dataTransfer.effectAllowed = 'move';
            event.dataTransfer.setData('text/plain', group.title);
            setDragged(group);
          },
          onDragEnd: () => setDragged(null),
          onDragOver: (event: DragEvent) => dragged && event.preventDefault(),
          onDrop: () => dragged && move(dragged, group),
        };
        return (
          <li key={group.key} className={classes.group} data-baseline={group.baseline || undefined} {...drag}>
            <Chip group={group} onBaseline={() => comparison.change({ baseline: group.key })} />
            <GroupMenu
              group={group}
              opened={opened === group.key}
              onOpened={(open) => {
                keep(group.key);
                setOpened(open ? group.key : null);
              }}
            >
              <Arranging
                group={group}
                comparison={comparison}
                onMove={(by) => move(group, groups[place + by])}
                ends={[place === 0, place === groups.length - 1]}
              />
              <Acting group={group} baseline={compared.baseline} />
            </GroupMenu>
          </li>
        );
      })}
      {shown.length < groups.length && (
        <li>
          <button
            type="button"
            className={classes.all}
            onClick={() => {
              keep(groups[MOST_SHOWN]?.key ?? '');
              setAll(true);
            }}
          >
            Show all {groups.length} groups
          </button>
        </li>
      )}
    </ul>
  );
}

/** The focus goes back to the button of a group whose menu was used, when that has closed, or the groups have changed places. */
function useKeptFocus() {
  const list = useRef<HTMLUListElement>(null);
  const kept = useRef<string | null>(null);
  // After every render: elements that were moved have lost the focus.
  useEffect(() => {
    if (kept.current === null || document.activeElement !== document.body) return;
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>('[data-actions]') ?? [])];
    const own = buttons.find(({ dataset }) => dataset.actions === kept.current);
    (own ?? buttons[0])?.focus();
  });
  return {
    list,
    keep: (key: string) => {
      kept.current = key;
    },
  };
}

/** Plain elements: there may be hundreds, and each of the library's costs as much as the rest of the chip. */
function Chip({ group, onBaseline }: { group: LookedGroup; onBaseline: () => void }) {
  const Star = group.baseline ? IconStarFilled : IconStar;
  return (
    <>
      <button
        type="button"
        className={classes.star}
        title={group.baseline ? 'The baseline: others are compared with it' : 'Make it the baseline'}
        aria-pressed={group.baseline}
        aria-label={`Baseline: ${group.title}`}
        onClick={onBaseline}
      >
        <Star size={14} aria-hidden />
      </button>
      <Swatch line={group.look} />
      <span className={classes.groupTitle} title={`${group.title}\n${group.changes.join(', ')}`}>
        {group.title}
      </span>
      {group.live && <span className={classes.live}>live</span>}
      {group.pinned && <IconPinFilled size={13} role="img" aria-label="pinned" />}
    </>
  );
}

/** The menu itself is made when it is opened: there may be hundreds of groups. */
function GroupMenu(props: {
  group: LookedGroup;
  opened: boolean;
  onOpened: (opened: boolean) => void;
  children: ReactNode;
}) {
  const { group, opened, onOpened, children } = props;
  const button = (
    <button
      type="button"
      className={classes.dots}
      aria-label={`Actions for ${group.title}`}
      aria-haspopup="menu"
      data-actions={group.key}
      onClick={() => onOpened(!opened)}
    >
      <IconDots size={15} aria-hidden />
    </button>
  );
  if (!opened) return button;
  return (
    <Menu opened onChange={onOpened} position="bottom-start">
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}

function Arranging(props: {
  group: LookedGroup;
  comparison: Comparison;
  onMove: (by: -1 | 1) => void;
  ends: readonly [boolean, boolean];
}) {
  const { group, comparison, onMove, ends } = props;
  const { view, change } = comparison;
  if (!view) return null;
  const unpinned = view.pinned.filter((id) => !group.runs.includes(id));
  return (
    <>
      <Menu.Label>In this comparison</Menu.Label>
      <Menu.Item leftSection={<IconStar {...icon} />} onClick={() => change({ baseline: group.key })}>
        Make it the baseline
      </Menu.Item>
      <Menu.Item
        leftSection={<IconPin {...icon} />}
        onClick={() => change({ pinned: group.pinned ? unpinned : [...unpinned, group.key] })}
      >
        {group.pinned ? 'Unpin' : 'Pin to the front'}
      </Menu.Item>
      <Menu.Item leftSection={<IconArrowLeft {...icon} />} disabled={ends[0]} onClick={() => onMove(-1)}>
        Move left
      </Menu.Item>
      <Menu.Item leftSection={<IconArrowRight {...icon} />} disabled={ends[1]} onClick={() => onMove(1)}>
        Move right
      </Menu.Item>
      <Menu.Item
        leftSection={<IconX {...icon} />}
        onClick={() => change({ runs: view.runs.filter((id) => !group.runs.includes(id)), pinned: unpinned })}
      >
        Take out
      </Menu.Item>
    </>
  );
}

function Acting({ group, baseline }: { group: LookedGroup; baseline: LookedGroup | null }) {
  const actions = useActions();
  const commands = usePageRunCommands();
  const status = useStore((s) => s.runs?.[group.key]);
  const allowed = status ? allowedActions(status) : null;
  const beside = baseline && baseline !== group ? [baseline.key, group.key] : [group.key];
  return (
    <>
      <Menu.Label>What next</Menu.Label>
      <Menu.Item leftSection={<IconCopy {...icon} />} onClick={() => void actions.clone(group.key)}>
        New run like this
      </Menu.Item>
      <Menu.Item
        leftSection={<IconPlayerTrackNext {...icon} />}
        disabled={!allowed?.has('export')}
        onClick={() => void actions.goOn(group.key)}
      >
        New run that continues from this
      </Menu.Item>
      <Menu.Item
        leftSection={<IconPackageExport {...icon} />}
        disabled={!allowed?.has('export')}
        onClick={() => status && commands.exportFrom(status)}
      >
        Export…
      </Menu.Item>
      <Menu.Item
        leftSection={<IconMessages {...icon} />}
        disabled={!allowed?.has('chat')}
        onClick={() => navigate(href('playground', { run: beside.join(',') }))}
      >
        {beside.length > 1 ? 'Open both in the Playground' : 'Open in the Playground'}
      </Menu.Item>
    </>
  );
}
