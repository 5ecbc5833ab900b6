import { Badge, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import { Facts } from '../../components/Facts.tsx';
import { formatBytes, formatCount, formatInteger } from '../../components/format.ts';
import tile from '../../components/tile.module.css';

export function TrainableBadge({ model }: { model: ModelCard }) {
  return model.problem ? (
    <Badge
      variant="light"
      color="yellow"
      leftSection={<IconAlertTriangle size={12} aria-hidden />}
      c="var(--collie-warn)"
    >
      Cannot be trained
    </Badge>
  ) : (
    <Badge
      variant="light"
      color="green"
      leftSection={<IconCircleCheck size={12} aria-hidden />}
      c="var(--collie-ok)"
    >
      Trainable
    </Badge>
  );
}

/** One model in the grid; the whole tile is the link to its card. */
export function ModelTile({ model }: { model: ModelCard }) {
  return (
    <article className={tile.tile}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
        <a className={tile.link} href={`#/models/${model.id}`}>
          {model.name}
        </a>
        <TrainableBadge model={model} />
      </Group>
      <Text size="xs" c="dimmed" truncate title={model.source} mb="sm">
        {model.source}
      </Text>
      <Facts
        columns={3}
        facts={[
          ['Family', model.family],
          ['Parameters', formatCount(model.parameters)],
          ['Dtype', model.dtype],
          ['Context', `${formatInteger(model.contextLength)}`],
          ['Vocabulary', formatInteger(model.vocabSize)],
          ['On disk', formatBytes(model.sizeBytes)],
        ]}
      />
    </article>
  );
}
