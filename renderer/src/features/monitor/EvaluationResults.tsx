/** What a run that trains nothing has found: a row a metric of every set, and whose weights they are. */
import { Anchor, Table, Text } from '@mantine/core';
import { IconReportAnalytics } from '@tabler/icons-react';
import type { Evaluates } from '../../../../electron/shared/runs/evaluates.ts';
import { DEFAULT_SET } from '../../../../electron/shared/runs/event-line.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { metricInfo, metrics } from '../../../../electron/shared/runs/metrics.ts';
import { checkpointStep } from '../../../../electron/shared/runs/run-folder.ts';
import type { RunSeries } from '../../../../electron/shared/runs/series.ts';
import { href } from '../../app/route.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { isLive } from '../runs/run-view.ts';
import { unitFormats } from './run-charts.ts';

export function EvaluatedModel({ evaluates, model }: { evaluates: Evaluates; model: string }) {
  if (evaluates.of === null) return <>Evaluates {model} as it is</>;
  const { run, checkpoint } = evaluates.of;
  return (
    <>
      Evaluates step {checkpointStep(checkpoint)} of{' '}
      <Anchor href={href('runs', run)} size="sm" underline="always">
        {run}
      </Anchor>
    </>
  );
}

/** What is worth most first: the order of the registry, and how long it took at the end. */
function inOrder(names: readonly string[]): string[] {
  const place = (name: string) => {
    const at = metrics.findIndex((metric) => metric.name === name);
    return name === 'eval_seconds' || at < 0 ? metrics.length : at;
  };
  return [...names].sort((a, b) => place(a) - place(b));
}

export function EvaluationResults({ status, series }: { status: RunStatus; series: RunSeries }) {
  const sets = Object.entries(series.evals).filter(([, { length }]) => length > 0);
  if (sets.length === 0)
    return (
      <EmptyState
        icon={IconReportAnalytics}
        title={isLive(status.state) ? 'No set is done yet' : 'No set was evaluated'}
        text={
          isLive(status.state)
            ? 'The metrics of each set come once all its rows are evaluated.'
            : 'The log says why.'
        }
      />
    );
  return (
    <Table verticalSpacing="xs" aria-label="Results" maw={720}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Set</Table.Th>
          <Table.Th>Metric</Table.Th>
          <Table.Th ta="right">Value</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sets.flatMap(([set, points]) =>
          inOrder(points.names).map((name, k) => {
            const { title, unit } = metricInfo(name);
            return (
              <Table.Tr key={`${set} ${name}`}>
                <Table.Td>{k === 0 ? (set === DEFAULT_SET ? 'Held-out rows' : set) : ''}</Table.Td>
                <Table.Td>{title}</Table.Td>
                <Table.Td ta="right">
                  <Text span size="sm" ff="monospace">
                    {unitFormats(unit).exact(points.at(name, points.length - 1))}
                  </Text>
                </Table.Td>
              </Table.Tr>
            );
          }),
        )}
      </Table.Tbody>
    </Table>
  );
}
