/** Runs as a table of one-line rows, of which only those in view exist. */
import { UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
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
import { useRowBlocks } from './use-row-blocks.ts';

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

export function RunsTable({ rows, columns, sorting, onSort, onOpen, selection }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const blocks = useRowBlocks(box, rows.length, ROW_HEIGHT);
  const first = blocks[0]?.from ?? 0;
  const behind = blocks.at(-1)?.to ?? 0;
  const seen = rows.slice(first, behind).flatMap((row) => (row.kind === 'run' ? row.row : []));
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
        <Spacer rows={first} />
        {blocks.map(({ key, from, to }) => (
          <tbody key={key} className={classes.block}>
            {rows
              .slice(from, to)
              .map((row, k) =>
                row.kind === 'sweep' ? (
                  <SweepRow
                    key={row.sweep.id}
                    item={row}
                    place={from + k}
                    columns={columns.length}
                    height={ROW_HEIGHT}
                    selected={selection.ids}
                    onToggle={selection.toggleMany}
                    onOpen={onOpen}
                  />
                ) : (
                  <Row
                    key={row.row.run.id}
                    row={row.row}
                    inside={row.inside}
                    place={from + k}
                    columns={columns}
                    selected={selection.ids.has(row.row.run.id)}
                    onToggle={selection.toggle}
                  />
                ),
              )}
          </tbody>
        ))}
        <Spacer rows={rows.length - behind} />
      </table>
    </div>
  );
}

/** As high as rows that do not exist. */
const Spacer = ({ rows }: { rows: number }) =>
  rows > 0 ? (
    <tbody aria-hidden>
      <tr style={{ height: rows * ROW_HEIGHT }} />
    </tbody>
  ) : null;

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
