/** Runs as a table of one-line rows, of which only those in view exist. */
import { UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import {
  observeElementRect,
  type Range,
  type Rect,
  useVirtualizer,
  type Virtualizer,
} from '@tanstack/react-virtual';
import { memo, useEffect, useRef } from 'react';
import charts from '../../charts/charts.module.css';
import { useStore } from '../../store/context.tsx';
import { Check } from './Check.tsx';
import { RunMenu } from './RunMenu.tsx';
import classes from './Runs.module.css';
import type { RunColumn } from './run-columns.tsx';
import type { RunRow, Sorting } from './run-rows.ts';
import { isLive } from './run-view.ts';
import { SweepRow } from './SweepRow.tsx';
import { type ListRow, runsOf } from './sweep-rows.ts';

export interface Selection {
  ids: ReadonlySet<string>;
  /** `range`: everything from the last one to this one. */
  toggle: (id: string, range: boolean) => void;
  toggleAll: () => void;
  /** All of them, or none where all are picked. */
  toggleMany: (ids: readonly string[]) => void;
}

interface Props {
  rows: readonly ListRow[];
  /** Opens or closes a sweep. */
  onOpen: (sweep: string) => void;
  columns: readonly RunColumn[];
  sorting: Sorting;
  onSort: (column: RunColumn) => void;
  selection: Selection;
}

const ROW_HEIGHT = 38;
const CHECK_WIDTH = 40;
const MENU_WIDTH = 48;

/** A box that has not been measured counts as one screen. */
function observeBox(virtual: Virtualizer<HTMLDivElement, Element>, pass: (rect: Rect) => void) {
  return observeElementRect(virtual, (rect) => pass(rect.height > 0 ? rect : { width: 1000, height: 800 }));
}

/** Rows that come and go together: each change lays the table out anew. */
const BLOCK = 6;

/** Whole blocks, the one before what is in view and the one after. */
function blocks({ startIndex, endIndex, count }: Range): number[] {
  const from = Math.max(0, Math.floor(startIndex / BLOCK) - 1) * BLOCK;
  const to = Math.min(count, (Math.floor(endIndex / BLOCK) + 2) * BLOCK);
  return Array.from({ length: to - from }, (_, k) => from + k);
}

export function RunsTable({ rows, columns, sorting, onSort, onOpen, selection }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    observeElementRect: observeBox,
    rangeExtractor: blocks,
  });
  const items = virtual.getVirtualItems();
  const seen = items.flatMap(({ index }) => {
    const row = rows[index];
    return row?.kind === 'run' ? row.row : [];
  });
  const all = runsOf(rows);
  useSparklines(columns.some(({ id }) => id === 'curve') ? seen : []);
  const width = columns.reduce((sum, column) => sum + column.width, CHECK_WIDTH + MENU_WIDTH);
  const chosen = all.filter(({ run }) => selection.ids.has(run.id)).length;
  return (
    <div ref={box} className={`${classes.scroll} ${charts.colors}`}>
      <table className={classes.table} style={{ minWidth: width }} aria-rowcount={rows.length + 1}>
        <colgroup>
          <col style={{ width: CHECK_WIDTH }} />
          {columns.map((column) => (
            <col key={column.id} style={{ width: column.width }} />
          ))}
          <col style={{ width: MENU_WIDTH }} />
        </colgroup>
        <thead>
          <tr>
            <th scope="col">
              <Check
                label="Select all runs shown"
                checked={chosen > 0 && chosen === all.length}
                mixed={chosen > 0 && chosen < all.length}
                onToggle={selection.toggleAll}
              />
            </th>
            {columns.map((column) => (
              <Header key={column.id} column={column} sorting={sorting} onSort={onSort} />
            ))}
            <th scope="col">
              <span className={classes.hidden}>Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <Spacer height={items[0]?.start ?? 0} />
          {items.map((item) => {
            const row = rows[item.index];
            if (row?.kind === 'sweep')
              return (
                <SweepRow
                  key={row.sweep.id}
                  item={row}
                  place={item.index}
                  columns={columns.length}
                  height={ROW_HEIGHT}
                  selected={selection.ids}
                  onToggle={selection.toggleMany}
                  onOpen={onOpen}
                />
              );
            return row ? (
              <Row
                key={row.row.run.id}
                row={row.row}
                inside={row.inside}
                place={item.index}
                columns={columns}
                selected={selection.ids.has(row.row.run.id)}
                onToggle={selection.toggle}
              />
            ) : null;
          })}
          <Spacer height={virtual.getTotalSize() - (items.at(-1)?.end ?? 0)} />
        </tbody>
      </table>
    </div>
  );
}

const Spacer = ({ height }: { height: number }) =>
  height > 0 ? <tr aria-hidden style={{ height }} className={classes.spacer} /> : null;

interface HeaderProps {
  column: RunColumn;
  sorting: Sorting;
  onSort: (column: RunColumn) => void;
}

const Header = memo(function Header({ column, sorting, onSort }: HeaderProps) {
  const sorted = sorting.column === column.id;
  const Glyph = !sorted ? IconArrowsSort : sorting.descending ? IconArrowDown : IconArrowUp;
  return (
    <th
      scope="col"
      data-right={column.numeric || undefined}
      aria-sort={sorted ? (sorting.descending ? 'descending' : 'ascending') : undefined}
    >
      {column.value ? (
        <UnstyledButton
          className={classes.sort}
          data-sorted={sorted || undefined}
          title={column.title}
          onClick={() => onSort(column)}
        >
          <span>{column.title}</span>
          <Glyph size={13} aria-hidden />
        </UnstyledButton>
      ) : (
        column.title
      )}
    </th>
  );
});

interface RowProps {
  row: RunRow;
  /** One of a sweep that is open above it. */
  inside: boolean;
  /** Its place in the list, from 0. */
  place: number;
  columns: readonly RunColumn[];
  selected: boolean;
  onToggle: Selection['toggle'];
}

/** Memoized: the status of one run draws one row. */
const Row = memo(function Row({ row, inside, place, columns, selected, onToggle }: RowProps) {
  const { run } = row;
  return (
    <tr
      aria-rowindex={place + 2}
      data-inside={inside || undefined}
      data-selected={selected || undefined}
      style={{ height: ROW_HEIGHT }}
    >
      <td>
        <Check
          label={`Select ${run.name}`}
          checked={selected}
          onToggle={(range) => onToggle(run.id, range)}
        />
      </td>
      {columns.map((column) => (
        <td key={column.id} data-right={column.numeric || undefined} data-fits={column.fits}>
          {column.cell(row)}
        </td>
      ))}
      <td>
        <RunMenu run={run} />
      </td>
    </tr>
  );
});

/** Milliseconds between looks at the curves of live runs. */
const CURVES_MS = 10_000;

/** Loads the small curves of the rows in view, once for ended runs, now and then for live ones. */
function useSparklines(seen: readonly RunRow[]): void {
  const known = useStore((s) => s.runSparklines);
  const load = useStore((s) => s.loadSparklines);
  const begun = useRef(false);
  const missing = seen.flatMap(({ run }) => (known[run.id] ? [] : [run.id])).join(' ');
  const live = seen.flatMap(({ run }) => (isLive(run.state) ? [run.id] : [])).join(' ');
  useEffect(() => {
    if (missing === '') return;
    if (!begun.current) {
      begun.current = true;
      void load(missing.split(' '));
      return;
    }
    const timer = setTimeout(() => void load(missing.split(' ')), 50); // not for each row that flies by
    return () => clearTimeout(timer);
  }, [missing, load]);
  useEffect(() => {
    if (live === '') return;
    const timer = setInterval(() => void load(live.split(' ')), CURVES_MS);
    return () => clearInterval(timer);
  }, [live, load]);
}
