import { ActionIcon, Anchor, Badge, Button, Group, Popover, Progress, Stack, Text } from '@mantine/core';
import { IconListCheck, IconX } from '@tabler/icons-react';
import type { Job } from '../../../electron/shared/api/entities.ts';
import { JobProgress } from '../components/JobProgress.tsx';
import { useStore } from '../store/context.tsx';
import { jobResult } from './job-result.ts';
import classes from './Shell.module.css';

/** Long work of the host, wherever the user is: a button with the count, and a list behind it. */
export function JobsTray() {
  const all = useStore((s) => s.jobs);
  const dismissed = useStore((s) => s.dismissedJobs);
  const jobs = Object.values(all)
    .filter((job) => job.state === 'running' || !dismissed.includes(job.id))
    // A look at a file is shown where it was asked for.
    .filter(({ kind }) => kind !== 'dataset.preview')
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt))
    .slice(0, 20);
  const running = jobs.filter((job) => job.state === 'running');
  const progress = running.length === 1 ? (running[0]?.progress ?? null) : null;
  return (
    <Popover position="right-end" width={360} withArrow shadow="md">
      <Popover.Target>
        <Button
          fullWidth
          size="compact-md"
          fz="sm"
          variant="subtle"
          color="gray"
          justify="flex-start"
          leftSection={<IconListCheck size={16} aria-hidden />}
          rightSection={running.length > 0 ? <Badge size="sm">{running.length}</Badge> : null}
        >
          <span className={classes.name}>{running.length > 0 ? 'Jobs running' : 'Jobs'}</span>
        </Button>
      </Popover.Target>
      <Progress
        size={3}
        mt={4}
        value={progress === null ? 100 : progress * 100}
        animated={running.length > 0}
        style={{ visibility: running.length > 0 ? 'visible' : 'hidden' }}
        aria-hidden
      />
      <Popover.Dropdown>
        {jobs.length === 0 ? (
          <Text size="sm" c="dimmed">
            Imports, statistics and exports appear here while they run.
          </Text>
        ) : (
          <Stack gap="md" mah={420} style={{ overflowY: 'auto' }}>
            {jobs.map((job) => (
              <JobRow key={job.id} job={job} />
            ))}
          </Stack>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function JobRow({ job }: { job: Job }) {
  const cancel = useStore((s) => s.cancelJob);
  const dismiss = useStore((s) => s.dismissJob);
  const running = job.state === 'running';
  const result = jobResult(job);
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs">
      <div style={{ flex: 1, minWidth: 0 }}>
        <JobProgress job={job} />
        {result && (
          <Anchor href={result.href} size="sm">
            {result.label}
          </Anchor>
        )}
      </div>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={`${running ? 'Cancel' : 'Dismiss'} ${job.title}`}
        onClick={() => (running ? void cancel(job.id) : dismiss(job.id))}
      >
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
