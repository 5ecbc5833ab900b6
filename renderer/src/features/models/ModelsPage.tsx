import { Button, Code, SimpleGrid, Skeleton } from '@mantine/core';
import { IconBox, IconPlus } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { ModelDrawer } from './ModelDrawer.tsx';
import { ModelTile } from './ModelTile.tsx';

/** The model library. `#/models/<id>` opens one model. */
export default function ModelsPage({ id }: { id: string | null }) {
  const models = useStore((s) => s.models);
  const error = useStore((s) => s.modelsError);
  const load = useStore((s) => s.loadModels);
  const openImport = useStore((s) => s.openImport);
  useEffect(() => void load(), [load]);

  const importButton = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => openImport('model')}>
      Import model
    </Button>
  );
  return (
    <Page
      title="Models"
      description={models ? plural(models.length, 'base model') : 'Base models to start from'}
      actions={importButton}
    >
      {error && <ErrorView title="The models could not be listed" info={error} onRetry={() => void load()} />}
      {models === null && !error && <Waiting />}
      {models?.length === 0 && <NoModels action={importButton} />}
      {models && models.length > 0 && (
        <SimpleGrid type="container" cols={{ base: 1, '620px': 2, '1000px': 3, '1400px': 4 }} spacing="md">
          {models.map((model) => (
            <ModelTile key={model.id} model={model} />
          ))}
        </SimpleGrid>
      )}
      <ModelDrawer model={models?.find((m: ModelCard) => m.id === id) ?? null} wanted={id} />
    </Page>
  );
}

const Waiting = () => (
  <SimpleGrid type="container" cols={{ base: 1, '620px': 2, '1000px': 3 }} spacing="md" aria-busy>
    {[0, 1, 2].map((key) => (
      <Skeleton key={key} h={188} radius="md" />
    ))}
  </SimpleGrid>
);

const NoModels = ({ action }: { action: React.ReactNode }) => (
  <EmptyState
    icon={IconBox}
    title="No models yet"
    text={
      <>
        Import a Hugging Face folder (used where it lies) or a GGUF file (converted into the library). To
        start with a small one, run <Code>npm run quickstart</Code> in a terminal: it fetches
        SmolLM2-135M-Instruct.
      </>
    }
    action={action}
  />
);
