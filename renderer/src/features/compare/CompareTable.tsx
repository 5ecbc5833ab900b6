/** Settings and results of all groups, a column each. Of many columns only those in view exist. */
import { Anchor, Group, Switch, Text, TextInput, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconSearch, IconStarFilled } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { href } from '../../app/route.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { plural } from '../../components/format.ts';
import classes from './Compare.module.css';
import { writtenCell } from './cells.ts';
import type { Compared, LookedGroup } from './compared.ts';
import { type TableRow, type TableSection, tableSections } from './table-rows.ts';

const HEAD_WIDTH = 230;
const COLUMN_WIDTH = 178;

interface Props {
  compared: Compared;
  /** What can be done with a setting of a group. */
  act?: (row: TableRow, group: LookedGroup) => ReactNode;
}

export function CompareTable({ compared, act }: Props) {
  const { report, groups } = compared;
  const [onlyDiffering, setOnlyDiffering] = useState(true);
  const [search, setSearch] = useState('');
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const sections = useMemo(
    () => tableSections(report, { onlyDiffering, search }),
    [report, onlyDiffering, search],
  );
  const toggle = (key: string) =>
    setFolded((before) => {
      const after = new Set(before);
      if (!after.delete(key)) after.add(key);
      return after;
    });
  return (
    <section aria-label="Settings and results">
      <Group gap="md" mb="xs">
        <TextInput
          size="xs"
          w={240}
          placeholder="Search settings and results"
          aria-label="Search settings and results"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Switch
          size="sm"
          label="Only what differs"
          checked={onlyDiffering}
          onChange={(event) => setOnlyDiffering(event.currentTarget.checked)}
        />
        <Text size="xs" c="dimmed">
          {report.rule}
        </Text>
      </Group>
      <Columns groups={groups}>
        {({ shown, before, after }) => (
          <>
            {sections.map((section) => (
              <Section
                key={section.key}
                section={section}
                open={!folded.has(section.key)}
                onToggle={() => toggle(section.key)}
                width={groups.length + 1}
              >
                {section.rows.map((row) => (
                  <tr key={row.key} data-differs={row.differs || undefined}>
                    <th scope="row" className={classes.rowHead} title={row.key}>
                      {row.title}
                    </th>
                    {before > 0 && <td aria-hidden style={{ width: before }} />}
                    {shown.map((place) => (
                      <td key={groups[place]?.key}>
                        <Cell row={row} place={place} />
                        {act && groups[place] && act(row, groups[place])}
                      </td>
                    ))}
                    {after > 0 && <td aria-hidden style={{ width: after }} />}
                  </tr>
                ))}
              </Section>
            ))}
          </>
        )}
      </Columns>
      {sections.every(({ rows }) => rows.length === 0) && (
        <Text c="dimmed" size="sm" py="md">
          {search === ''
            ? 'These runs do not differ in any setting or result.'
            : 'No setting or result matches the search.'}
        </Text>
      )}
    </section>
  );
}

interface Shown {
  /** Places of groups. */
  shown: readonly number[];
  /** Pixels left out. */
  before: number;
  after: number;
}

function Columns(props: { groups: readonly LookedGroup[]; children: (shown: Shown) => ReactNode }) {
  const { groups, children } = props;
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    horizontal: true,
    count: groups.length,
    getScrollElement: () => box.current,
    estimateSize: () => COLUMN_WIDTH,
    overscan: 3,
    initialRect: { width: 1400, height: 600 },
  });
  const items = virtual.getVirtualItems();
  const shown = items.map(({ index }) => index);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section ref={box} className={classes.tableBox} tabIndex={0} aria-label="The table, scrolls">
      <table
        className={classes.table}
        style={{ minWidth: HEAD_WIDTH + groups.length * COLUMN_WIDTH }}
        aria-colcount={groups.length + 1}
      >
        <thead>
          <tr>
            <th scope="col" className={classes.corner} style={{ width: HEAD_WIDTH }}>
              <VisuallyHidden>Setting or result</VisuallyHidden>
            </th>
            {before > 0 && <td aria-hidden style={{ width: before }} />}
            {shown.map((place) => {
              const group = groups[place];
              return group ? (
                <Head key={group.key} group={group} place={place} all={shown.length === groups.length} />
              ) : null;
            })}
            {after > 0 && <td aria-hidden style={{ width: after }} />}
          </tr>
        </thead>
        {children({ shown, before, after })}
      </table>
    </section>
  );
}

/** `all` columns are there: they share the width. */
function Head({ group, place, all }: { group: LookedGroup; place: number; all: boolean }) {
  return (
    <th
      scope="col"
      className={classes.head}
      style={all ? {} : { width: COLUMN_WIDTH }}
      aria-colindex={place + 2}
    >
      <Group gap={6} wrap="nowrap">
        <Swatch line={group.look} />
        <Anchor href={href('runs', group.key)} size="sm" fw={550} truncate title={group.title}>
          {group.title}
        </Anchor>
        {group.baseline && (
          <IconStarFilled size={12} role="img" aria-label="baseline" style={{ flex: 'none' }} />
        )}
      </Group>
    </th>
  );
}

function Section(props: {
  section: TableSection;
  open: boolean;
  onToggle: () => void;
  width: number;
  children: ReactNode;
}) {
  const { section, open, onToggle, width, children } = props;
  if (section.rows.length === 0) return null;
  const Glyph = open ? IconChevronDown : IconChevronRight;
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" className={classes.sectionHead} colSpan={width}>
          <UnstyledButton aria-expanded={open} onClick={onToggle} className={classes.sectionButton ?? ''}>
            <Glyph size={14} aria-hidden /> {section.title}
            <Text span size="xs" c="dimmed">
              {section.same > 0 ? `${plural(section.same, 'other')} the same` : ''}
            </Text>
          </UnstyledButton>
        </th>
      </tr>
      {open && children}
    </tbody>
  );
}

function Cell({ row, place }: { row: TableRow; place: number }) {
  if (row.kind === 'setting') {
    const value = row.values[place];
    return (
      <span className={classes.setting} title={value ?? undefined}>
        {value ?? <span className={classes.none}>–</span>}
      </span>
    );
  }
  const cell = row.values[place];
  if (!cell) return <span className={classes.none}>–</span>;
  const { value, spread, delta, better } = writtenCell(row.unit, cell);
  return (
    <span className={classes.result}>
      <span>
        <strong>{value}</strong> {spread && <span className={classes.spread}>{spread}</span>}
      </span>
      {delta && (
        <span className={classes.delta} data-better={better ?? undefined}>
          {delta}
        </span>
      )}
    </span>
  );
}
