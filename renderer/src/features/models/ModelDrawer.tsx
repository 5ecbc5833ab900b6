import { Alert, Button, Code, Drawer, Group, Stack, Text } from '@mantine/core';
import { IconAdjustmentsHorizontal, IconReportAnalytics, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import { navigate } from '../../app/route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Facts } from '../../components/Facts.tsx';
import { formatBytes, formatDate, formatInteger } from '../../components/format.ts';
import { libraryRef } from '../../store/compose.ts';
import { useStore } from '../../store/context.tsx';
import { EvaluateModelDialog } from '../evaluate/EvaluateDialog.tsx';
import { ChatTemplate } from './ChatTemplate.tsx';
import { FitTable } from './FitTable.tsx';
import { TrainableBadge } from './ModelTile.tsx';

interface Props {
  readonly model: ModelCard | null;
  /** The id in the address; without a model it is not in the library. */
  readonly wanted: string | null;
}

const close = () => navigate('#/models', 'replace');

/** Everything known about one model, beside the list. */
export function ModelDrawer({ model, wanted }: Props) {
  const loaded = useStore((s) => s.models !== null);
  const [removing, setRemoving] = useState(false);
  const [evaluating, setEvaluating] = useState(false);
  if (evaluating && model) return <EvaluateModelDialog model={model} onClose={() => setEvaluating(false)} />;
  return (
    <Drawer
      opened={wanted !== null && loaded}
      onClose={close}
      closeOnEscape={!removing}
      position="right"
      size={480}
      title={model?.name ?? 'Not in the library'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {model ? (
        <Detail
          key={model.id}
          model={model}
          {...{ removing, setRemoving }}
          onEvaluate={() => setEvaluating(true)}
        />
      ) : (
        <Text size="sm">There is no model with the id {wanted}. It may have been removed.</Text>
      )}
    </Drawer>
  );
}

interface DetailProps {
  readonly model: ModelCard;
  readonly removing: boolean;
  readonly setRemoving: (removing: boolean) => void;
  readonly onEvaluate: () => void;
}

function Detail({ model, removing, setRemoving, onEvaluate }: DetailProps) {
  const remove = useStore((s) => s.removeModel);
  const setField = useStore((s) => s.setField);
  const train = () => {
    setField('model', libraryRef(model.id));
    navigate('#/compose');
  };
  return (
    <Stack gap="lg">
      <Group gap="sm">
        <TrainableBadge model={model} />
      </Group>
      {model.problem && <ErrorView title="This model cannot be trained" info={model.problem} />}
      {model.notes.length > 0 && (
        <Alert color="yellow" p="xs" title="What to know of its files">
          {model.notes.map((note) => (
            <Text key={note} size="sm">
              {note}
            </Text>
          ))}
        </Alert>
      )}
      {model.limits.length > 0 && (
        <Alert color="gray" p="xs" title="What does not work with it">
          {model.limits.map((limit) => (
            <Text key={limit} size="sm">
              {limit}
            </Text>
          ))}
        </Alert>
      )}
      <Facts facts={facts(model)} />
      {!model.problem && <FitTable id={model.id} />}
      {!model.problem && <ChatTemplate id={model.id} />}
      <div>
        <Text size="xs" c="dimmed">
          Folder
        </Text>
        <Code block>{model.path}</Code>
      </div>
      <Group justify="space-between">
        <Button
          leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
          disabled={model.problem !== null}
          onClick={train}
        >
          Compose a run with it
        </Button>
        <Button
          variant="default"
          leftSection={<IconReportAnalytics size={16} aria-hidden />}
          disabled={model.problem !== null}
          onClick={onEvaluate}
        >
          Evaluate…
        </Button>
        <Button
          variant="subtle"
          color="red"
          c="var(--collie-bad)"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setRemoving(true)}
        >
          Remove
        </Button>
      </Group>
      <ConfirmModal
        opened={removing}
        title={`Remove ${model.name}?`}
        verb="Remove"
        onClose={() => setRemoving(false)}
        onConfirm={async () => {
          if (await remove(model.id)) close();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">
            {model.origin === 'folder'
              ? 'It leaves the library. Its folder stays where it is.'
              : `Its converted copy (${formatBytes(model.sizeBytes)}) is deleted. The GGUF file stays where it is.`}
          </Text>
          <Alert color="yellow" p="xs">
            Runs that used it keep their checkpoints, but cannot be resumed, merged or chatted with without
            it.
          </Alert>
        </Stack>
      </ConfirmModal>
    </Stack>
  );
}

function originOf({ origin, made }: ModelCard): string {
  if (origin === 'gguf') return 'Converted from GGUF';
  return made.length === 0 ? 'Folder, used in place' : `Folder, linked; made here: ${made.join(', ')}`;
}

function facts(model: ModelCard): [string, string][] {
  const yes = (value: boolean) => (value ? 'Yes' : 'No');
  return [
    ['Family', model.family],
    ['Architecture', model.architecture],
    ...(model.traits.length > 0 ? [['Beside Llama', model.traits.join(', ')] as [string, string]] : []),
    ['Parameters', formatInteger(model.parameters)],
    ['Dtype', model.dtype],
    ['Context', `${formatInteger(model.contextLength)} tokens`],
    ['Vocabulary', `${formatInteger(model.vocabSize)} tokens`],
    ['Layers', formatInteger(model.layers)],
    ['Hidden size', formatInteger(model.hiddenSize)],
    ['Attention heads', formatInteger(model.heads)],
    ['Key-value heads', formatInteger(model.kvHeads)],
    ['MLP size', formatInteger(model.intermediateSize)],
    ['Tied embeddings', yes(model.tiedEmbeddings)],
    ['Chat template', yes(model.hasChatTemplate)],
    ['On disk', formatBytes(model.sizeBytes)],
    ['Origin', originOf(model)],
    ['Added', formatDate(model.importedAt)],
  ];
}
