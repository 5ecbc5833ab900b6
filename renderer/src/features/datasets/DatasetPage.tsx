import { Button, Group, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { IconAdjustmentsHorizontal, IconDatabaseOff, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import { href, navigate } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatBytes, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { ColumnsTab } from './ColumnsTab.tsx';
import { formatNames, MappingBadge } from './DatasetsPage.tsx';
import { RowsTab } from './RowsTab.tsx';
import { RowTokensTab } from './RowTokensTab.tsx';
import { TokensTab } from './TokensTab.tsx';

const tabs = ['rows', 'columns', 'tokens', 'row'] as const;
type Tab = (typeof tabs)[number];
const tabTitles: Record<Tab, string> = {
  rows: 'Rows',
  columns: 'Columns',
  tokens: 'Token lengths',
  row: 'Row as tokens',
};

/** One dataset: `#/datasets/<id>/<tab>`. */
export default function DatasetPage({ id }: { id: string }) {
  const datasets = useStore((s) => s.datasets);
  const error = useStore((s) => s.datasetsError);
  const load = useStore((s) => s.loadDatasets);
  if (error)
    return <ErrorView title="The dataset could not be loaded" info={error} onRetry={() => void load()} />;
  if (datasets === null) return <Skeleton h={300} aria-busy />;
  const dataset = datasets.find((d) => d.id === id);
  if (!dataset)
    return (
      <EmptyState
        icon={IconDatabaseOff}
        title="Not in the library"
        text={`There is no dataset with the id ${id}. It may have been removed.`}
        action={
          <Button component="a" href="#/datasets" variant="default">
            All datasets
          </Button>
        }
      />
    );
  return <Detail dataset={dataset} />;
}

function Detail({ dataset }: { dataset: DatasetCard }) {
  const { parts, query } = useRoute();
  const tab: Tab = tabs.find((t) => t === parts[2]) ?? 'rows';
  return (
    <Page
      title={dataset.name}
      back={{ label: 'Datasets', href: '#/datasets' }}
      description={
        <Group gap="sm" component="span">
          <span>
            {plural(dataset.rows, 'row')} · {formatNames[dataset.format]} · {formatBytes(dataset.sizeBytes)}
          </span>
          <MappingBadge dataset={dataset} />
        </Group>
      }
      actions={<Actions dataset={dataset} />}
    >
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) =>
          navigate(href('datasets', dataset.id, next ?? 'rows', Object.fromEntries(query)), 'replace')
        }
      >
        <Tabs.List mb="md" aria-label="Views of the dataset">
          {tabs.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {tabTitles[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="rows">
          <RowsTab dataset={dataset} />
        </Tabs.Panel>
        <Tabs.Panel value="columns">
          <ColumnsTab key={JSON.stringify(dataset.mapping)} dataset={dataset} />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <TokensTab dataset={dataset} />
        </Tabs.Panel>
        <Tabs.Panel value="row">
          <RowTokensTab dataset={dataset} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Actions({ dataset }: { dataset: DatasetCard }) {
  const [removing, setRemoving] = useState(false);
  const remove = useStore((s) => s.removeDataset);
  const choose = useStore((s) => s.chooseDataset);
  return (
    <>
      <Button
        variant="subtle"
        color="red"
        c="var(--collie-bad)"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setRemoving(true)}
      >
        Remove
      </Button>
      <Button
        leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
        disabled={dataset.mapping === null}
        onClick={() => {
          choose(dataset.id);
          navigate('#/compose');
        }}
      >
        Compose a run with it
      </Button>
      <ConfirmModal
        opened={removing}
        title={`Remove ${dataset.name}?`}
        verb="Remove"
        onClose={() => setRemoving(false)}
        onConfirm={async () => {
          if (await remove(dataset.id)) navigate('#/datasets', 'replace');
        }}
      >
        <Stack gap="sm">
          <Text size="sm">
            The copy in the library ({formatBytes(dataset.sizeBytes)}) is deleted. The file it came from
            stays: {dataset.source}
          </Text>
          <Text size="sm">Runs that were trained on it keep their own tokens and can still be resumed.</Text>
        </Stack>
      </ConfirmModal>
    </>
  );
}
