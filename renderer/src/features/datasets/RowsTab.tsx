import { Alert, Group, Pagination, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatInteger, plural } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';
import type { RowPage } from '../../store/datasets.ts';
import { asErrorInfo } from '../../store/notices.ts';
import { RowsTable } from './RowsTable.tsx';

const PAGE_ROWS = 100;

/** Pages through the rows, all of them or those that contain a text. */
export function RowsTab({ dataset }: { dataset: DatasetCard }) {
  const fetchRows = useStore((s) => s.fetchRows);
  const [page, setPage] = useState(1);
  const [input, setInput] = useState('');
  const [search] = useDebouncedValue(input, 250);
  const [result, setResult] = useState<RowPage | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` asks again
  useEffect(() => {
    let current = true;
    fetchRows({ id: dataset.id, offset: (page - 1) * PAGE_ROWS, limit: PAGE_ROWS, search }).then(
      (rows) => {
        if (!current) return;
        setResult(rows);
        setError(null);
      },
      (thrown) => current && setError(asErrorInfo(thrown)),
    );
    return () => {
      current = false;
    };
  }, [fetchRows, dataset.id, page, search, attempt]);

  const pages = Math.max(1, Math.ceil((result?.total ?? dataset.rows) / PAGE_ROWS));
  return (
    <>
      <Group justify="space-between" mb="sm">
        <TextInput
          aria-label="Search the rows"
          placeholder="Search the rows"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={input}
          w={320}
          onChange={(event) => {
            setInput(event.currentTarget.value);
            setPage(1);
          }}
        />
        <Group gap="md">
          <Text size="sm" c="dimmed" role="status">
            {result &&
              (search ? `${plural(result.total, 'row')} of ${formatInteger(dataset.rows)} match` : '')}
          </Text>
          {pages > 1 && (
            <Pagination
              size="sm"
              total={pages}
              value={page}
              onChange={setPage}
              getControlProps={(control) => ({ 'aria-label': `${control} page` })}
            />
          )}
        </Group>
      </Group>
      {error && (
        <ErrorView title="The rows could not be read" info={error} onRetry={() => setAttempt(attempt + 1)} />
      )}
      {!error && result && result.rows.length === 0 && (
        <Alert color="gray" title={search ? `No row contains "${search}"` : 'This dataset has no rows'}>
          {search ? 'The search looks through the text of every column.' : 'Import a file that has some.'}
        </Alert>
      )}
      {!error && result && result.rows.length > 0 && (
        <RowsTable
          key={`${page} ${search}`}
          dataset={dataset}
          rows={result.rows}
          firstRow={(page - 1) * PAGE_ROWS}
          numbering={search ? 'match' : 'row'}
        />
      )}
    </>
  );
}
