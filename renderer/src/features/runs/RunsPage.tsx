import {
  Button,
  Group,
  MultiSelect,
  SegmentedControl,
  Skeleton,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconChartLine, IconPlus, IconSearch } from '@tabler/icons-react';
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { useSweeps } from '../sweeps/use-sweeps.ts';
import { BulkBar } from './BulkBar.tsx';
import { ColumnsMenu } from './ColumnsMenu.tsx';
import { RunsTable, type Selection } from './RunsTable.tsx';
import { allColumns, loadColumns, type RunColumn, saveColumns, shownColumns } from './run-columns.tsx';
import {
  filterRows,
  type RunFilter,
  type RunRow,
  rangeOf,
  rowMaker,
  type Sorting,
  sortRows,
} from './run-rows.ts';
import { runsOf, withSweeps } from './sweep-rows.ts';
import { useLibrary } from './use-library.ts';
import { RunCommandsProvider, useRunCommands } from './use-run-commands.tsx';

const filters: { value: RunFilter; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'live', label: 'Live' },
  { value: 'completed', label: 'Completed' },
  { value: 'queued', label: 'Queued' },
  { value: 'stopped', label: 'Stopped' },
  { value: 'failed', label: 'Failed' },
];

export default function RunsPage() {
  // Not the runs themselves: what a live one measures must not draw the page.
  const count = useStore((s) => s.runs && Object.keys(s.runs).length);
  const error = useStore((s) => s.runsError);
  const reload = useStore((s) => s.loadRuns);
  const commands = useRunCommands();
  const compose = (
    <Button component="a" href="#/compose" leftSection={<IconPlus size={16} aria-hidden />}>
      New run
    </Button>
  );
  return (
    <Page title="Runs" actions={compose}>
      {error && <ErrorView info={error} title="The runs could not be listed" onRetry={() => void reload()} />}
      {count === null && !error && <Waiting />}
      {count === 0 && (
        <EmptyState
          icon={IconChartLine}
          title="No runs yet"
          text="A run trains a model on a dataset. It goes on when this window is closed, and everything it measures is kept here."
          action={compose}
        />
      )}
      {count !== null && count > 0 && (
        <RunCommandsProvider value={commands}>
          <RunList />
        </RunCommandsProvider>
      )}
      {commands.dialog}
    </Page>
  );
}

const NO_RUNS: Readonly<Record<string, RunStatus>> = {};

/** All of them as rows, and what is wanted of them. */
function useRows() {
  const runs = useStore((s) => s.runs) ?? NO_RUNS;
  const summaries = useStore((s) => s.runSummaries);
  const load = useStore((s) => s.loadSummaries);
  const library = useLibrary();
  const [make] = useState(rowMaker);
  const ids = Object.keys(runs).join(' ');
  useEffect(() => void load(ids.split(' ')), [ids, load]);
  return useMemo(() => make(runs, summaries, library), [make, runs, summaries, library]);
}

/** Runs picked with checkboxes; shift takes everything since the last one. */
function useSelection(shown: readonly RunRow[]): Selection & { clear: () => void } {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string | null>(null);
  const order = useRef<string[]>([]);
  order.current = shown.map(({ run }) => run.id);
  const toggle = useCallback((id: string, range: boolean) => {
    const from = range ? last.current : null;
    last.current = id;
    setIds((before) => {
      const after = new Set(before);
      const add = !before.has(id);
      for (const one of rangeOf(order.current, from, id)) add ? after.add(one) : after.delete(one);
      return after;
    });
  }, []);
  const toggleAll = useCallback(
    () =>
      setIds((before) => (order.current.every((id) => before.has(id)) ? new Set() : new Set(order.current))),
    [],
  );
  const toggleMany = useCallback(
    (some: readonly string[]) =>
      setIds((before) => {
        const after = new Set(before);
        const add = some.some((id) => !before.has(id));
        for (const id of some) add ? after.add(id) : after.delete(id);
        return after;
      }),
    [],
  );
  const clear = useCallback(() => setIds(new Set()), []);
  return { ids, toggle, toggleAll, toggleMany, clear };
}

function RunList() {
  const rows = useRows();
  const [filter, setFilter] = useState<RunFilter>('all');
  const [search, setSearch] = useState('');
  const [tags, setTags] = useState<string[]>([]);
  const [chosen, setChosen] = useState(() => loadColumns(globalThis.localStorage));
  const [sorting, setSorting] = useState<Sorting>({ column: 'started', descending: true });
  const columns = useMemo(() => shownColumns(chosen), [chosen]);
  const known = useKnownTags(rows);
  const shown = useMemo(() => {
    const by = allColumns().find(({ id }) => id === sorting.column)?.value ?? (() => null);
    return sortRows(filterRows(rows, filter, search, tags), by, sorting.descending);
  }, [rows, filter, search, tags, sorting]);
  const sweeps = useSweeps();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const listed = useMemo(() => withSweeps(shown, sweeps ?? [], open), [shown, sweeps, open]);
  const inOrder = useMemo(() => runsOf(listed), [listed]);
  const selection = useSelection(inOrder);
  const selected = useMemo(() => rows.filter(({ run }) => selection.ids.has(run.id)), [rows, selection.ids]);
  const sort = useCallback(
    (column: RunColumn) =>
      setSorting((now) => ({
        column: column.id,
        descending: now.column === column.id ? !now.descending : column.highFirst === true,
      })),
    [],
  );
  const toggleOpen = useCallback(
    (id: string) =>
      setOpen((before) => {
        const after = new Set(before);
        if (!after.delete(id)) after.add(id);
        return after;
      }),
    [],
  );
  const columnsChosen = useCallback((next: readonly string[]) => {
    setChosen(next);
    saveColumns(globalThis.localStorage, next);
  }, []);
  return (
    <Stack gap="md">
      <Toolbar
        {...{ search, setSearch, filter, setFilter, known, tags, setTags, chosen }}
        onColumns={columnsChosen}
        shown={shown.length}
        all={rows.length}
      />
      {selected.length > 0 && <BulkBar rows={selected} tags={known} onClear={selection.clear} />}
      {shown.length > 0 ? (
        <RunsTable
          rows={listed}
          columns={columns}
          sorting={sorting}
          onSort={sort}
          onOpen={toggleOpen}
          selection={selection}
        />
      ) : (
        <Text c="dimmed" py="xl" ta="center">
          No run matches. Clear the search or choose another status.
        </Text>
      )}
    </Stack>
  );
}

/** The same array while the tags are the same. */
function useKnownTags(rows: readonly RunRow[]): string[] {
  const text = JSON.stringify([...new Set(rows.flatMap((row) => row.tags))].sort());
  return useMemo(() => JSON.parse(text) as string[], [text]);
}

interface ToolbarProps {
  search: string;
  setSearch: (search: string) => void;
  filter: RunFilter;
  setFilter: (filter: RunFilter) => void;
  known: string[];
  tags: string[];
  setTags: (tags: string[]) => void;
  chosen: readonly string[];
  onColumns: (chosen: readonly string[]) => void;
  shown: number;
  all: number;
}

/** Memoized: it stays as it is while runs go on. */
const Toolbar = memo(function Toolbar(props: ToolbarProps) {
  const { search, setSearch, filter, setFilter, known, tags, setTags, chosen, onColumns, shown, all } = props;
  return (
    <Group gap="md">
      <TextInput
        w={{ base: '100%', sm: 260 }}
        placeholder="Search name, model, dataset, tag"
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
      {known.length > 0 && (
        <MultiSelect
          w={200}
          data={known}
          value={tags}
          onChange={setTags}
          placeholder={tags.length === 0 ? 'All tags' : ''}
          aria-label="Filter by tags"
          clearable
        />
      )}
      <ColumnsMenu chosen={chosen} onChange={onColumns} />
      <Text size="sm" c="dimmed" role="status">
        {shown === all ? plural(all, 'run') : `${shown} of ${plural(all, 'run')}`}
      </Text>
    </Group>
  );
});

const Waiting = () => (
  <Stack gap="xs" role="status" aria-label="Loading the runs">
    {['a', 'b', 'c', 'd'].map((key) => (
      <Skeleton key={key} h={44} />
    ))}
  </Stack>
);
