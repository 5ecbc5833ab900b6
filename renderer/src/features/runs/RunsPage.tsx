import { Button, Group, SegmentedControl, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { IconChartLine, IconPlus, IconSearch } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { RunsTable } from './RunsTable.tsx';
import { filterRows, type RunFilter, runRows } from './run-rows.ts';
import { useLibrary } from './use-library.ts';
import { RunCommandsProvider, useRunCommands } from './use-run-commands.tsx';
import { useRunDetails } from './use-run-details.ts';

const filters: { value: RunFilter; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'live', label: 'Live' },
  { value: 'completed', label: 'Completed' },
  { value: 'stopped', label: 'Stopped' },
  { value: 'failed', label: 'Failed' },
];

export default function RunsPage() {
  const runs = useStore((s) => s.runs);
  const error = useStore((s) => s.runsError);
  const reload = useStore((s) => s.loadRuns);
  const details = useStore((s) => s.runDetails);
  const library = useLibrary();
  const commands = useRunCommands();
  const [filter, setFilter] = useState<RunFilter>('all');
  const [search, setSearch] = useState('');
  const ids = useMemo(() => Object.keys(runs ?? {}), [runs]);
  useRunDetails(ids);

  const rows = useMemo(() => runRows(runs ?? {}, details, library), [runs, details, library]);
  const shown = useMemo(() => filterRows(rows, filter, search), [rows, filter, search]);

  const compose = (
    <Button component="a" href="#/compose" leftSection={<IconPlus size={16} aria-hidden />}>
      New run
    </Button>
  );
  return (
    <Page title="Runs" actions={compose}>
      {error && <ErrorView info={error} title="The runs could not be listed" onRetry={() => void reload()} />}
      {!runs && !error && <Waiting />}
      {runs && rows.length === 0 && (
        <EmptyState
          icon={IconChartLine}
          title="No runs yet"
          text="A run trains a model on a dataset. It goes on when this window is closed, and everything it measures is kept here."
          action={compose}
        />
      )}
      {rows.length > 0 && (
        <Stack gap="md">
          <Group gap="md">
            <TextInput
              w={280}
              placeholder="Search name, model, dataset"
              aria-label="Search runs"
              leftSection={<IconSearch size={16} aria-hidden />}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
            <SegmentedControl
              size="sm"
              aria-label="Filter by status"
              data={filters}
              value={filter}
              onChange={(value) => setFilter(value as RunFilter)}
            />
            <Text size="sm" c="dimmed" role="status">
              {shown.length === rows.length
                ? plural(rows.length, 'run')
                : `${shown.length} of ${plural(rows.length, 'run')}`}
            </Text>
          </Group>
          {shown.length > 0 ? (
            <RunCommandsProvider value={commands}>
              <RunsTable rows={shown} />
            </RunCommandsProvider>
          ) : (
            <Text c="dimmed" py="xl" ta="center">
              No run matches. Clear the search or choose another status.
            </Text>
          )}
        </Stack>
      )}
      {commands.dialog}
    </Page>
  );
}

const Waiting = () => (
  <Stack gap="xs" role="status" aria-label="Loading the runs">
    {['a', 'b', 'c', 'd'].map((key) => (
      <Skeleton key={key} h={44} />
    ))}
  </Stack>
);
