/** One setting of a group on another: a new run with the settings of that one, and this one changed. */
import { Menu, UnstyledButton } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { Swatch } from '../../charts/Swatch.tsx';
import classes from './Compare.module.css';
import type { LookedGroup } from './compared.ts';
import type { TableRow } from './table-rows.ts';
import { useActions } from './use-actions.ts';

interface Props {
  row: TableRow;
  from: LookedGroup;
  /** Those with another value, the baseline first. */
  others: readonly LookedGroup[];
}

/** Groups that a menu has room for. */
const MOST = 12;

/** The menu is made when it is opened: a table has hundreds of these. */
export function TryOn({ row, from, others }: Props) {
  const [opened, setOpened] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const used = useRef(false);
  useEffect(() => {
    if (!opened && used.current && document.activeElement === document.body) button.current?.focus();
  }, [opened]);
  if (others.length === 0) return null;
  const target = (
    <UnstyledButton
      ref={button}
      className={classes.apply ?? ''}
      aria-haspopup="menu"
      aria-label={`Try this ${row.title} on another: ${from.title}`}
      onClick={() => {
        used.current = true;
        setOpened(!opened);
      }}
    >
      Try on another…
    </UnstyledButton>
  );
  if (!opened) return target;
  return (
    <Menu opened onChange={setOpened} position="bottom-start">
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>A new run like</Menu.Label>
        <Others row={row} from={from} others={others.slice(0, MOST)} />
      </Menu.Dropdown>
    </Menu>
  );
}

function Others({ row, from, others }: Props) {
  const actions = useActions();
  return others.map((other) => (
    <Menu.Item
      key={other.key}
      leftSection={<Swatch line={other.look} />}
      onClick={() => void actions.apply(from.key, other.key, row.key, row.title)}
    >
      {other.title}
    </Menu.Item>
  ));
}
