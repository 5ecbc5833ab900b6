/** How long the run takes, where that comes from, and what a live run beside it costs. */
import { Alert, Anchor, Group, Stack, Text } from '@mantine/core';
import { IconStack2, IconUsers } from '@tabler/icons-react';
import type { RunPreview } from '../../../../electron/shared/api/entities.ts';
import { href } from '../../app/route.ts';
import { formatDuration, formatEta, plural } from '../../components/format.ts';
import { pushedBack } from '../queue/queue-view.ts';
import { useQueue } from '../queue/use-queue.ts';

export function TimeForecast({ time }: { time: RunPreview['time'] }) {
  const { seconds, stepSeconds, measuredRuns } = time;
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={550}>
          {seconds === null ? 'Time: known at the start' : `Time: ${formatEta(seconds)}`}
        </Text>
        <Text size="xs" c="dimmed" data-tabular>
          {formatDuration(stepSeconds)} a step
        </Text>
      </Group>
      <Text size="xs" c="dimmed">
        {measuredRuns > 0
          ? `From the speed of ${plural(measuredRuns, 'run')} on this machine. While it runs, the time left follows its own steps.`
          : 'From the usual speed of such hardware: no run has been measured on this machine yet. The first steps correct it.'}
      </Text>
    </Stack>
  );
}

export function BesideLiveRuns({ beside, device }: { beside: RunPreview['beside']; device: unknown }) {
  if (beside.length === 0) return null;
  const shared = device === 'cuda' ? 'GPUs' : 'CPU';
  const share = `${['', 'half', 'a third', 'a quarter'][beside.length] ?? `1/${beside.length + 1}`} of the speed`;
  return (
    <Alert
      color="blue"
      p="sm"
      icon={<IconUsers aria-hidden />}
      title={beside.length === 1 ? 'Another run is going' : `${beside.length} other runs are going`}
    >
      <Text size="sm">
        {beside.map(({ id, name, etaSeconds }, i) => (
          <span key={id}>
            {i > 0 && ', '}
            <Anchor href={href('runs', id)} size="sm" underline="always">
              {name}
            </Anchor>
            {etaSeconds !== null && ` (${formatEta(etaSeconds)} left)`}
          </span>
        ))}
        . Side by side they share the {shared}: each gets about {share}, and the memory that is free already
        leaves out what {beside.length === 1 ? 'it holds' : 'they hold'}.
      </Text>
    </Alert>
  );
}

/** What a direct start does to those that wait for the same device. */
export function PushedBack({ device }: { device: unknown }) {
  const waiting = pushedBack(useQueue(), String(device));
  if (waiting === 0) return null;
  return (
    <Alert
      color="blue"
      p="sm"
      icon={<IconStack2 aria-hidden />}
      title={`${plural(waiting, 'run')} in the queue`}
    >
      <Text size="sm">
        Started now, this one goes before {waiting === 1 ? 'it' : 'them'}.{' '}
        <Anchor href={href('queue')} size="sm" underline="always">
          The queue
        </Anchor>{' '}
        goes on when it is through.
      </Text>
    </Alert>
  );
}
