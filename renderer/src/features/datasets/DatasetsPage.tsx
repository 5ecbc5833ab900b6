import { Badge, Button, Code, Group, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle, IconDatabase, IconPlus } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Facts } from '../../components/Facts.tsx';
import { formatAgo, formatBytes, formatInteger, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import tile from '../../components/tile.module.css';
import { useStore } from '../../store/context.tsx';

/** The dataset library. */
export default function DatasetsPage() {
  const datasets = useStore((s) => s.datasets);
  const error = useStore((s) => s.datasetsError);
  const load = useStore((s) => s.loadDatasets);
  const openImport = useStore((s) => s.openImport);
  useEffect(() => void load(), [load]);

  const importButton = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => openImport('dataset')}>
      Import dataset
    </Button>
  );
  return (
    <Page
      title="Datasets"
      description={datasets ? plural(datasets.length, 'dataset') : 'Rows to train on'}
      actions={importButton}
    >
      {error && (
        <ErrorView title="The datasets could not be listed" info={error} onRetry={() => void load()} />
      )}
      {datasets === null && !error && <Skeleton h={150} radius="md" aria-busy />}
      {datasets?.length === 0 && <NoDatasets action={importButton} />}
      {datasets && datasets.length > 0 && (
        <SimpleGrid type="container" cols={{ base: 1, '620px': 2, '1000px': 3, '1400px': 4 }} spacing="md">
          {datasets.map((dataset) => (
            <DatasetTile key={dataset.id} dataset={dataset} />
          ))}
        </SimpleGrid>
      )}
    </Page>
  );
}

function DatasetTile({ dataset }: { dataset: DatasetCard }) {
  return (
    <article className={tile.tile}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
        <a className={tile.link} href={`#/datasets/${dataset.id}`}>
          {dataset.name}
        </a>
        <MappingBadge dataset={dataset} />
      </Group>
      <Text size="xs" c="dimmed" truncate title={dataset.source} mb="sm">
        {dataset.source}
      </Text>
      <Facts
        columns={3}
        facts={[
          ['Rows', formatInteger(dataset.rows)],
          ['Columns', formatInteger(dataset.columns.length)],
          ['Format', formatNames[dataset.format]],
          ['Size', formatBytes(dataset.sizeBytes)],
          ['Added', formatAgo(dataset.importedAt)],
        ]}
      />
    </article>
  );
}

export const formatNames = {
  jsonl: 'JSONL',
  json: 'JSON',
  csv: 'CSV',
  parquet: 'Parquet',
  arrow: 'Arrow',
  text: 'Text',
} as const;

export function MappingBadge({ dataset }: { dataset: DatasetCard }) {
  if (dataset.mapping === null)
    return (
      <Badge
        variant="light"
        color="yellow"
        c="var(--collie-warn)"
        leftSection={<IconAlertTriangle size={12} aria-hidden />}
      >
        Choose columns
      </Badge>
    );
  return (
    <Badge variant="light" color="gray" c="var(--mantine-color-text)">
      {dataset.mapping.kind === 'chat' ? 'Chat' : 'Prompt and answer'}
    </Badge>
  );
}

const NoDatasets = ({ action }: { action: ReactNode }) => (
  <EmptyState
    icon={IconDatabase}
    title="No datasets yet"
    text={
      <>
        Import a JSONL, JSON, CSV or Parquet file with prompts and answers, or with whole conversations. For a
        sample, run <Code>npm run quickstart</Code> in a terminal, or import{' '}
        <Code>assets/quickstart/train.jsonl</Code>.
      </>
    }
    action={action}
  />
);
