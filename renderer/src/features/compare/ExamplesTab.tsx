/** The evaluated rows of two groups, by set and metric: which each was better at, and what kind of rows those are. */
import { Alert, Group, Select, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconListSearch } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { Examples, RowMetric } from '../../../../electron/shared/runs/compared-examples.ts';
import { evaluatedTitle } from '../../../../electron/shared/runs/comparison.ts';
import { formatValue } from '../../charts/format.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { ExampleRows, outcomeColors } from './ExampleRows.tsx';
import { PointPlot } from './PointPlot.tsx';
import { useAnswer } from './use-answer.ts';
import type { Comparison } from './use-comparison.ts';

interface Props {
  compared: Compared;
  candidate: LookedGroup;
  comparison: Comparison;
}

export function ExamplesTab({ compared, candidate, comparison }: Props) {
  const { query, setQuery } = comparison;
  const [slice, setSlice] = useState<string | null>(null);
  const { data, error, waiting, again } = useAnswer(
    'compare.examples',
    {
      view: compared.view,
      candidate: candidate.key,
      set: query.get('set') ?? '',
      metric: query.get('metric') ?? '',
      slice,
    },
    compared.stamp,
  );
  if (error) return <ErrorView info={error} title="The rows could not be compared" onRetry={again} />;
  if (!data) return <Skeleton h={240} aria-label="Reading the evaluated rows" />;
  const names = [compared.baseline?.title ?? '', candidate.title] as const;
  return (
    <Stack gap="md" aria-busy={waiting || undefined}>
      <Choices
        found={data}
        onSet={(set) => setQuery({ set, metric: '' })}
        onMetric={(metric) => setQuery({ metric })}
      />
      {data.problem !== null || !data.metric ? (
        <EmptyState icon={IconListSearch} title="No row to compare" text={data.problem ?? ''} />
      ) : (
        <>
          {data.notes.length > 0 && (
            <Alert variant="light" color="yellow" icon={<IconAlertTriangle aria-hidden />} p="xs">
              {data.notes.map((note) => (
                <Text key={note} size="sm">
                  {note}
                </Text>
              ))}
            </Alert>
          )}
          <Text size="sm">
            Of {plural(data.examples.length, 'row')}, {candidate.title} is better on{' '}
            <strong>{data.won}</strong>, worse on <strong>{data.lost}</strong>, the same on{' '}
            <strong>{data.tied}</strong>, by {data.metric.title} ({data.metric.better} is better).
          </Text>
          <div className={classes.two}>
            <Picture found={data} metric={data.metric} names={names} />
            <Slices found={data} metric={data.metric} slice={slice} onSlice={setSlice} />
          </div>
          <ExampleRows
            key={data.set}
            found={data}
            metric={data.metric}
            names={names}
            compared={compared}
            candidate={candidate}
          />
        </>
      )}
    </Stack>
  );
}

function Choices(props: {
  found: Examples;
  onSet: (set: string) => void;
  onMetric: (metric: string) => void;
}) {
  const { found, onSet, onMetric } = props;
  if (found.sets.length < 2 && found.metrics.length < 2) return null;
  return (
    <Group gap="md" align="flex-end">
      <Select
        size="xs"
        w={220}
        label="Evaluation set"
        data={found.sets.map((value) => ({ value, label: evaluatedTitle(value) }))}
        value={found.set}
        allowDeselect={false}
        onChange={(value) => value && onSet(value)}
      />
      {found.metric && (
        <Select
          size="xs"
          w={260}
          label="Metric"
          data={found.metrics.map(({ name, title }) => ({ value: name, label: title }))}
          value={found.metric.name}
          allowDeselect={false}
          onChange={(value) => value && onMetric(value)}
        />
      )}
    </Group>
  );
}

interface PictureProps {
  found: Examples;
  metric: RowMetric;
  names: readonly [string, string];
}

/** A point each; right and wrong alone would lie on four places, and are counted instead. */
function Picture(props: PictureProps) {
  const { examples } = props.found;
  const isBinary = examples.every(({ baseline, candidate }) =>
    [baseline, candidate].every((one) => one === 0 || one === 1),
  );
  return isBinary ? <RightAndWrong {...props} /> : <Scatter {...props} />;
}

function RightAndWrong({ found: { examples }, metric, names }: PictureProps) {
  const count = (baseline: number, candidate: number) =>
    examples.filter((one) => one.baseline === baseline && one.candidate === candidate).length;
  return (
    <section className={classes.card} aria-label={`${metric.title} of each row`}>
      <Text size="sm" fw={600} mb="xs">
        {metric.title}: 1 or 0 in each row
      </Text>
      <table className={classes.plain}>
        <thead>
          <tr>
            <td />
            <th scope="col">{names[1]}: 1</th>
            <th scope="col">{names[1]}: 0</th>
          </tr>
        </thead>
        <tbody>
          {[1, 0].map((baseline) => (
            <tr key={baseline}>
              <th scope="row">
                {names[0]} (baseline): {baseline}
              </th>
              <td>{count(baseline, 1)}</td>
              <td>{count(baseline, 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Scatter({ found: { examples }, metric, names }: PictureProps) {
  const points = useMemo(
    () =>
      examples.map(({ id, baseline, candidate, outcome, messages }) => ({
        key: id,
        x: baseline,
        y: candidate,
        color: outcomeColors[outcome],
        label: messages.find(({ role }) => role === 'user')?.content.slice(0, 80) ?? id,
      })),
    [examples],
  );
  return (
    <PointPlot
      title={`${metric.title} of each row: ${metric.better === 'lower' ? 'below' : 'above'} the line the candidate is better`}
      points={points}
      xTitle={`${names[0]} (baseline)`}
      yTitle={names[1]}
      formatX={formatValue}
      formatY={formatValue}
      diagonal
    />
  );
}

interface SlicesProps {
  found: Examples;
  metric: RowMetric;
  slice: string | null;
  onSlice: (slice: string | null) => void;
}

function Slices({ found, metric, slice, onSlice }: SlicesProps) {
  return (
    <section className={classes.card} aria-label="Slices">
      <Group justify="space-between" mb="xs">
        <Text size="sm" fw={600}>
          By slices
        </Text>
        <Select
          size="xs"
          w={200}
          aria-label="Slice by"
          data={[
            { value: '', label: 'Length' },
            ...found.columns.map((name) => ({ value: name, label: name })),
          ]}
          value={slice !== null && found.columns.includes(slice) ? slice : ''}
          allowDeselect={false}
          onChange={(value) => onSlice(value || null)}
        />
      </Group>
      <table className={classes.plain}>
        <thead>
          <tr>
            <th scope="col">Rows with</th>
            <th scope="col">Rows</th>
            <th scope="col">Won</th>
            <th scope="col">Lost</th>
            <th scope="col">Mean difference, {metric.title}</th>
          </tr>
        </thead>
        <tbody>
          {found.slices.map((one) => (
            <tr key={one.title}>
              <th scope="row">{one.title}</th>
              <td>{one.rows}</td>
              <td>{one.won}</td>
              <td>{one.lost}</td>
              <td>{formatValue(one.difference)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
