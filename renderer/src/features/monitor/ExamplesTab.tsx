/** The evaluated rows of a run: how each was answered at two evaluations, the best, the worst and the most changed. */
import { Button, Group, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { IconListSearch } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import type { ExampleRow, Found, RunExamples } from '../../../../electron/shared/api/examples.ts';
import { evaluatedTitle } from '../../../../electron/shared/runs/comparison.ts';
import { metricInfo } from '../../../../electron/shared/runs/metrics.ts';
import { formatValue } from '../../charts/format.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatInteger } from '../../components/format.ts';
import { useAnswer } from '../compare/use-answer.ts';
import classes from './Examples.module.css';
import { improvement, type Order, orderedRows, orders, orderTitles, scoreOf } from './example-rows.ts';
import { OneExample } from './OneExample.tsx';

/** Rows that are drawn; the most telling ones come first. */
const MOST_ROWS = 100;

export const stepTitle = (step: number) => (step === 0 ? 'Before training' : `Step ${formatInteger(step)}`);

interface Props {
  id: string;
  /** Changes with every evaluation that is read. */
  stamp: number;
}

export function ExamplesTab({ id, stamp }: Props) {
  const [set, setSet] = useState('');
  const [steps, setSteps] = useState<{ left: number | null; right: number | null }>({
    left: null,
    right: null,
  });
  const { data, error, waiting, again } = useAnswer('runs.examples', { id, set, ...steps }, stamp);
  if (error) return <ErrorView info={error} title="The evaluated rows could not be read" onRetry={again} />;
  if (!data) return <Skeleton h={240} aria-label="Reading the evaluated rows" />;
  if (data.rows.length === 0)
    return (
      <EmptyState
        icon={IconListSearch}
        title="No evaluated row yet"
        text="Held-out rows and evaluation sets are evaluated before the first step, on schedule and at the end; each of their rows is here then."
      />
    );
  const stepData = data.steps.map((step) => ({ value: String(step), label: stepTitle(step) }));
  const stepSelect = (side: 'left' | 'right', label: string) => (
    <Select
      size="xs"
      w={150}
      label={label}
      data={stepData}
      allowDeselect={false}
      value={String(data[side])}
      onChange={(value) => value !== null && setSteps((old) => ({ ...old, [side]: Number(value) }))}
    />
  );
  return (
    <Stack gap="md" aria-busy={waiting || undefined}>
      <Group gap="md" align="flex-end">
        <Select
          size="xs"
          w={190}
          label="Evaluation set"
          data={data.sets.map((name) => ({ value: name, label: evaluatedTitle(name) }))}
          allowDeselect={false}
          value={data.set}
          onChange={(value) => {
            setSet(value ?? '');
            setSteps({ left: null, right: null });
          }}
        />
        {stepSelect('left', 'Left')}
        {stepSelect('right', 'Right')}
      </Group>
      <Rows key={data.set} id={id} data={data} />
    </Stack>
  );
}

function Rows({ id, data }: { id: string; data: RunExamples }) {
  const [order, setOrder] = useState<Order>('worst');
  const [chosen, setScore] = useState<string | null>(null);
  const [search, setSearch] = useState('');
  const [opened, setOpened] = useState<ExampleRow | null>(null);
  const words = useDeferredValue(search);
  const score = chosen !== null && data.scores.includes(chosen) ? chosen : (data.scores[0] ?? 'loss');
  const rows = useMemo(
    () => orderedRows(data.rows, { order, score, search: words }),
    [data.rows, order, score, words],
  );
  const title = metricInfo(score).title;
  return (
    <section aria-label="Evaluated rows">
      <Group gap="md" align="flex-end" mb="sm">
        <Select
          size="xs"
          w={190}
          label="Order"
          data={orders.map((value) => ({ value, label: orderTitles[value] }))}
          allowDeselect={false}
          value={order}
          onChange={(value) => value !== null && setOrder(value as Order)}
        />
        <Select
          size="xs"
          w={190}
          label="Score"
          data={data.scores.map((value) => ({ value, label: metricInfo(value).title }))}
          allowDeselect={false}
          value={score}
          onChange={setScore}
        />
        <TextInput
          size="xs"
          w={240}
          label="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Text size="xs" c="dimmed" role="status">
          {rows.length > MOST_ROWS
            ? `${MOST_ROWS} of ${formatInteger(rows.length)} rows`
            : `${formatInteger(rows.length)} rows`}
        </Text>
      </Group>
      <div className={classes.scroll}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Row</th>
              <th scope="col">Expected</th>
              {[data.left, data.right].map((step, k) => (
                <th scope="col" key={k === 0 ? 'left' : 'right'}>
                  {step === null ? '' : stepTitle(step)}
                </th>
              ))}
              <th scope="col" className={classes.number}>
                {title}
              </th>
              <th scope="col" className={classes.number}>
                Change
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((row) => (
              <Row key={row.row} row={row} score={score} onOpen={() => setOpened(row)} />
            ))}
          </tbody>
        </table>
      </div>
      {opened && <OneExample id={id} set={data.set} row={opened} onClose={() => setOpened(null)} />}
    </section>
  );
}

function Row({ row, score, onOpen }: { row: ExampleRow; score: string; onOpen: () => void }) {
  const change = improvement(row, score);
  const value = scoreOf(row.right ?? row.left, score);
  return (
    <tr>
      <th scope="row">
        <Button
          variant="transparent"
          size="compact-sm"
          px={0}
          onClick={onOpen}
          className={classes.open ?? ''}
        >
          {row.messages.findLast(({ role }) => role === 'user')?.content ?? row.id}
        </Button>
      </th>
      <td>{row.expected.join(' | ')}</td>
      <td>{shown(row.left, score)}</td>
      <td>{shown(row.right, score)}</td>
      <td className={classes.number}>{value === null ? '–' : formatValue(value)}</td>
      <td className={classes.number} style={{ color: colorOf(change) }}>
        {change === null || change === 0
          ? '–'
          : `${change > 0 ? 'better by ' : 'worse by '}${formatValue(Math.abs(change))}`}
      </td>
    </tr>
  );
}

const colorOf = (change: number | null) =>
  change === null || change === 0
    ? 'var(--mantine-color-dimmed)'
    : `var(--collie-${change > 0 ? 'ok' : 'bad'})`;

/** What the model said, or the score where it was not to say anything. */
export function shown(found: Found | null, score: string): string {
  if (!found) return '–';
  if (found.chosen !== null) return found.chosen;
  if (found.answers.length > 0) return found.answers[0] || '(an empty answer)';
  const value = found.scores[score];
  return value === undefined ? '–' : formatValue(value);
}
