import { Group, Progress, Text } from '@mantine/core';
import type { Job } from '../../../electron/shared/api/entities.ts';
import { formatEta } from './format.ts';

const states = { running: '', done: 'Done', failed: 'Failed', cancelled: 'Cancelled' } as const;

/** One job: what it does, how far it is, how long it will still take; in the end, how it ended. */
export function JobProgress({ job }: { job: Job }) {
  const running = job.state === 'running';
  const percent = job.progress === null ? null : Math.round(job.progress * 100);
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" fw={500} truncate title={job.title}>
          {job.title}
        </Text>
        <Text size="xs" c={job.state === 'failed' ? 'var(--collie-bad)' : 'dimmed'} style={{ flexShrink: 0 }}>
          {running ? (percent === null ? '' : `${percent}%`) : states[job.state]}
        </Text>
      </Group>
      {running && (
        <Progress
          mt={4}
          size="sm"
          value={percent ?? 100}
          animated={percent === null}
          striped={percent === null}
          aria-label={job.title}
        />
      )}
      <Group justify="space-between" wrap="nowrap" gap="sm" mt={2} mih={18}>
        <Text size="xs" c="dimmed" lineClamp={3} style={{ overflowWrap: 'anywhere' }}>
          {job.error ? `${job.error.message} ${job.error.hint}` : job.message}
        </Text>
        {running && job.etaSeconds !== null && (
          <Text size="xs" c="dimmed" style={{ flexShrink: 0 }}>
            {formatEta(job.etaSeconds)} left
          </Text>
        )}
      </Group>
    </div>
  );
}
