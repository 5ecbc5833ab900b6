import { type ColumnDef, FlexRender, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import { href } from '../../app/route.ts';
import { formatInteger } from '../../components/format.ts';
import { CellValue } from './CellValue.tsx';
import classes from './RowsTable.module.css';

type Row = Record<string, unknown>;
const features = tableFeatures({});

interface Props {
  readonly dataset: DatasetCard;
  readonly rows: readonly Row[];
  /** Number of the first row, counted from 0. */
  readonly firstRow: number;
  /** In search results the place in the dataset is not known, so rows are numbered as matches. */
  readonly numbering: 'row' | 'match';
}

/** One page of rows. Only those in view are in the document, as texts can be long and columns many. */
export function RowsTable({ dataset, rows, firstRow, numbering }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const columns = useMemo<ColumnDef<typeof features, Row, unknown>[]>(
    () =>
      dataset.columns.map(({ name, type }) => ({
        id: name,
        accessorFn: (row) => row[name],
        header: () => (
          <>
            {name} <span className={classes.type}>{type}</span>
          </>
        ),
        cell: (context) => <CellValue value={context.getValue()} />,
      })),
    [dataset.columns],
  );
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({ features, columns, data });
  const model = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: model.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 84,
    overscan: 8,
    initialRect: { width: 1000, height: 700 },
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable with the keyboard
    <section ref={scroller} className={classes.scroller} tabIndex={0} aria-label="Rows">
      <table className={classes.table} aria-rowcount={rows.length + 1}>
        <colgroup>
          <col style={{ width: 76 }} />
          {dataset.columns.map((column) => (
            <col key={column.name} style={{ width: columnWidth(column) }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th scope="col">{numbering === 'row' ? 'Row' : 'Match'}</th>
            {table.getHeaderGroups()[0]?.headers.map((header) => (
              <th key={header.id} scope="col">
                <FlexRender header={header} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr aria-hidden style={{ height: before }} />}
          {items.map((item) => {
            const row = model[item.index];
            if (!row) return null;
            const number = firstRow + item.index;
            return (
              <tr
                key={row.id}
                data-index={item.index}
                ref={virtual.measureElement}
                aria-rowindex={item.index + 2}
              >
                <td>
                  {numbering === 'row' ? (
                    <a
                      href={href('datasets', dataset.id, 'row', { row: String(number) })}
                      title="See this row as tokens"
                    >
                      {formatInteger(number + 1)}
                    </a>
                  ) : (
                    formatInteger(number + 1)
                  )}
                </td>
                {row.getAllCells().map((cell) => (
                  <td key={cell.id}>
                    <FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <tr aria-hidden style={{ height: after }} />}
        </tbody>
      </table>
    </section>
  );
}

const SHORT_TYPE = /^(u?(big|small|tiny|huge)?int(eger)?|number|float|double|real|decimal|bool|date|time)/i;

/** Numbers and dates need little room, texts share the rest. */
const columnWidth = ({ type }: { type: string }): string | undefined =>
  SHORT_TYPE.test(type) && !type.endsWith('[]') ? '140px' : undefined;
