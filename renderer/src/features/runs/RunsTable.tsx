/** Runs as a table to search, sort and filter. */
import { Anchor, Box, Progress, Text, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useMemo, useState } from 'react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { href } from '../../app/route.ts';
import {
  formatCount,
  formatDuration,
  formatEta,
  formatPercent,
  formatValue,
  formatWhen,
} from '../../charts/format.ts';
import { RunMenu } from './RunMenu.tsx';
import { RunStateBadge } from './RunStateBadge.tsx';
import classes from './Runs.module.css';
import type { RunRow } from './run-rows.ts';
import { isLive, runSeconds, trainedShare } from './run-view.ts';
import { useNow } from './use-now.ts';

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
});
const helper = createColumnHelper<typeof features, RunRow>();
/** Missing values go last, whichever way the column is sorted. */
const orLast = (value: number | null) => value ?? undefined;
const numeric = { sortFn: 'basic', sortUndefined: 'last', sortDescFirst: true } as const;

const columns = helper.columns([
  helper.accessor('name', {
    header: 'Run',
    sortFn: 'alphanumeric',
    cell: ({ row }) => <NameCell row={row.original} />,
  }),
  helper.accessor((row) => row.run.state, {
    id: 'state',
    header: 'Status',
    sortFn: 'basic',
    cell: ({ row }) => <StateCell run={row.original.run} />,
  }),
  helper.accessor('model', { header: 'Model', sortFn: 'alphanumeric', cell: (c) => c.getValue() }),
  helper.accessor('dataset', { header: 'Dataset', sortFn: 'alphanumeric', cell: (c) => c.getValue() }),
  helper.accessor('method', { header: 'Method', sortFn: 'alphanumeric', cell: (c) => c.getValue() }),
  helper.accessor((row) => orLast(row.run.lastLoss), {
    id: 'loss',
    header: 'Loss',
    ...numeric,
    sortDescFirst: false,
    cell: (c) => formatValue(c.getValue()),
  }),
  helper.accessor((row) => orLast(row.run.lastEvalLoss), {
    id: 'evalLoss',
    header: 'Eval loss',
    ...numeric,
    sortDescFirst: false,
    cell: (c) => formatValue(c.getValue()),
  }),
  helper.accessor((row) => orLast(row.run.tokensPerSecond), {
    id: 'speed',
    header: 'Tokens/s',
    ...numeric,
    cell: (c) => formatCount(c.getValue()),
  }),
  helper.accessor((row) => row.run.startedAt ?? row.run.createdAt, {
    id: 'started',
    header: 'Started',
    sortFn: 'basic',
    sortDescFirst: true,
    cell: (c) => formatWhen(c.getValue()),
  }),
  helper.accessor((row) => orLast(runSeconds(row.run, Date.now())), {
    id: 'duration',
    header: 'Duration',
    ...numeric,
    cell: ({ row }) => <Duration run={row.original.run} />,
  }),
  helper.display({
    id: 'actions',
    header: '',
    cell: ({ row }) => <RunMenu run={row.original.run} />,
  }),
]);

const alignRight: readonly string[] = ['loss', 'evalLoss', 'speed', 'duration'];
const sortIcons = { asc: IconArrowUp, desc: IconArrowDown } as const;
const ariaSort = { asc: 'ascending', desc: 'descending' } as const;

export function RunsTable({ rows }: { rows: readonly RunRow[] }) {
  const [sorting, setSorting] = useState<SortingState>([{ id: 'started', desc: true }]);
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({
    features,
    columns,
    data,
    getRowId: (row) => row.run.id,
    enableSortingRemoval: false,
    state: { sorting },
    onSortingChange: setSorting,
  });
  return (
    <Box className={classes.scroll}>
      <table className={classes.table}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                const Glyph = sorted ? sortIcons[sorted] : IconArrowsSort;
                return (
                  <th
                    key={header.id}
                    scope="col"
                    data-right={alignRight.includes(header.column.id) || undefined}
                    aria-sort={sorted ? ariaSort[sorted] : undefined}
                  >
                    {header.column.getCanSort() ? (
                      <UnstyledButton
                        className={classes.sort}
                        data-sorted={sorted !== false || undefined}
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        <table.FlexRender header={header} />
                        <Glyph size={13} aria-hidden />
                      </UnstyledButton>
                    ) : (
                      <span className={classes.hidden}>Actions</span>
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id}>
              {row.getAllCells().map((cell) => (
                <td key={cell.id} data-right={alignRight.includes(cell.column.id) || undefined}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Box>
  );
}

function NameCell({ row }: { row: RunRow }) {
  return (
    <Anchor href={href('runs', row.run.id)} fw={550} size="sm" className={classes.name} title={row.run.name}>
      {row.run.name}
    </Anchor>
  );
}

function StateCell({ run }: { run: RunStatus }) {
  const share = trainedShare(run);
  return (
    <div className={classes.state}>
      <RunStateBadge state={run.state} />
      {isLive(run.state) && (
        <>
          <Progress
            size="sm"
            mt={6}
            value={(share ?? 0) * 100}
            aria-label={`Progress of ${run.name}`}
            transitionDuration={200}
          />
          <Text size="xs" c="dimmed" mt={2} className={classes.nowrap}>
            {share === null ? run.phase : `${formatPercent(share)}, ${formatEta(run.etaSeconds)} left`}
          </Text>
        </>
      )}
      {run.state === 'failed' && run.error && (
        <Text size="xs" mt={2} lineClamp={2} title={run.error.message} c="var(--collie-bad)">
          {run.error.message}
        </Text>
      )}
    </div>
  );
}

function Duration({ run }: { run: RunStatus }) {
  const now = useNow(isLive(run.state));
  return <span className={classes.nowrap}>{formatDuration(runSeconds(run, now))}</span>;
}
