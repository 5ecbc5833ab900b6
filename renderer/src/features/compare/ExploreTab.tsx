/** Which settings go with which results: over all runs at once. */
import { Group, MultiSelect, Select, Skeleton, Stack, Switch, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { RunTable } from '../../../../electron/shared/runs/comparison.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatNumber } from '../../components/format.ts';
import classes from './Compare.module.css';
import { writtenValue } from './cells.ts';
import type { Compared } from './compared.ts';
import { type Column, columnsOf, defaultAxes, paretoFront } from './explore.ts';
import { ImportanceCard } from './ImportanceCard.tsx';
import { ParallelPlot } from './ParallelPlot.tsx';
import { type PlotPoint, PointPlot } from './PointPlot.tsx';
import { useAnswer } from './use-answer.ts';

export function ExploreTab({ compared }: { compared: Compared }) {
  const { data, error, again } = useAnswer('compare.table', { view: compared.view }, compared.stamp);
  if (error) return <ErrorView info={error} title="The runs could not be read" onRetry={again} />;
  if (!data) return <Skeleton h={320} aria-label="Reading the runs" />;
  if (data.rows.length < 2 || data.columns.length < 2)
    return (
      <Text c="dimmed" py="xl" ta="center">
        Two runs or more that differ in something are needed here.
      </Text>
    );
  return <Explore compared={compared} table={data} />;
}

interface Props {
  compared: Compared;
  table: RunTable;
}

function Explore({ compared, table }: Props) {
  const columns = useMemo(() => columnsOf(table), [table]);
  return (
    <Stack gap="lg">
      <Parallel compared={compared} table={table} columns={columns} />
      <div className={classes.two}>
        <Pairs compared={compared} table={table} columns={columns} />
        <ImportanceCard compared={compared} />
      </div>
    </Stack>
  );
}

interface WithColumns extends Props {
  columns: readonly Column[];
}

/** A setting keeps its digits, a result is written by its unit. */
export const writeColumn = (column: Pick<Column, 'kind' | 'unit'>) => (value: number) =>
  column.kind === 'setting' ? formatNumber(value) : writtenValue(column.unit, value);

const titleOf = ({ kind, title, key }: Column) => (kind === 'setting' ? `${title} (${key})` : title);

function Parallel({ compared, table, columns }: WithColumns) {
  const [chosen, setChosen] = useState(() => defaultAxes(columns));
  const shown = chosen.flatMap((key) => columns.find((column) => column.key === key) ?? []);
  return (
    <section className={classes.card} aria-label="Parallel coordinates">
      <Group justify="space-between" mb="xs" align="flex-start">
        <Text size="sm" fw={600}>
          Every run through its settings and results
        </Text>
        <MultiSelect
          size="xs"
          w="min(640px, 100%)"
          aria-label="Axes"
          data={columns.map((column) => ({ value: column.key, label: titleOf(column) }))}
          value={shown.map(({ key }) => key)}
          onChange={setChosen}
          searchable
        />
      </Group>
      <ParallelPlot compared={compared} rows={table.rows} columns={shown} />
    </section>
  );
}

function Pairs({ compared, table, columns }: WithColumns) {
  const numeric = columns.filter((column) => column.numeric);
  const quality = numeric.find(({ kind, better }) => kind === 'result' && better !== null) ?? numeric[0];
  const cost =
    numeric.find(({ key }) => key === 'cost/train_seconds') ?? numeric.find((one) => one !== quality);
  const [xKey, setX] = useState(cost?.key ?? '');
  const [yKey, setY] = useState(quality?.key ?? '');
  const [log, setLog] = useState(false);
  const [front, setFront] = useState(true);
  const x = numeric.find(({ key }) => key === xKey) ?? cost;
  const y = numeric.find(({ key }) => key === yKey) ?? quality;
  const points = useMemo(() => (x && y ? pointsOf(compared, table, x, y) : []), [compared, table, x, y]);
  if (!x || !y) return <Text c="dimmed">There are no two numbers to draw against each other.</Text>;
  const ways = x.better !== null && y.better !== null ? { x: x.better, y: y.better } : null;
  const data = numeric.map((column) => ({ value: column.key, label: titleOf(column) }));
  return (
    <section aria-label="Scatter">
      <Group gap="sm" mb="xs">
        <Select
          size="xs"
          w={220}
          aria-label="Across"
          data={data}
          value={x.key}
          allowDeselect={false}
          searchable
          onChange={(key) => key && setX(key)}
        />
        <Select
          size="xs"
          w={220}
          aria-label="Up"
          data={data}
          value={y.key}
          allowDeselect={false}
          searchable
          onChange={(key) => key && setY(key)}
        />
        <Switch
          size="sm"
          label="Log"
          checked={log}
          onChange={(event) => setLog(event.currentTarget.checked)}
        />
        <Switch
          size="sm"
          label="Pareto front"
          disabled={!ways}
          checked={front && ways !== null}
          onChange={(event) => setFront(event.currentTarget.checked)}
        />
      </Group>
      <PointPlot
        title={`${y.title} against ${x.title}`}
        points={points}
        xTitle={x.title}
        yTitle={y.title}
        formatX={writeColumn(x)}
        formatY={writeColumn(y)}
        logX={log}
        {...(front && ways ? { front: paretoFront(points, ways) } : {})}
      />
      {front && ways && (
        <Text size="xs" c="dimmed">
          Runs on the line are beaten by none in both.
        </Text>
      )}
    </section>
  );
}

function pointsOf(compared: Compared, { rows }: RunTable, x: Column, y: Column): PlotPoint[] {
  const looks = new Map(compared.groups.map(({ key, look }) => [key, look.color]));
  return rows.flatMap(({ id, group, values }) => {
    const [a, b] = [values[x.place], values[y.place]];
    if (typeof a !== 'number' || typeof b !== 'number') return [];
    const label = compared.runs.get(id)?.name ?? id;
    return [{ key: id, label, color: looks.get(group) ?? 'var(--run-1)', x: a, y: b }];
  });
}
