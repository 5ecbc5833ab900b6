import { Button, Group, Stack, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import type { ExportRecord } from '../../../../electron/shared/api/export-record.ts';
import { formatBytes } from '../../charts/format.ts';
import { OpenFolderButton } from '../../components/OpenFolderButton.tsx';
import { CopyField } from './CopyField.tsx';
import { type KindInfo, loadSnippet } from './export-kinds.ts';

interface Props {
  record: ExportRecord;
  info: KindInfo | undefined;
  /** Python loads it: transformers, or PEFT. */
  python: boolean;
  basePath: string;
  onClose: () => void;
}

/** Where the export lies and how it is loaded. */
export function ExportResult({ record, info, python, basePath, onClose }: Props) {
  return (
    <Stack gap="md" role="status">
      <Group gap="xs">
        <IconCircleCheck size={20} color="var(--collie-ok)" aria-hidden />
        <Text fw={600}>
          {info?.title} written, {formatBytes(record.sizeBytes)}
        </Text>
      </Group>
      <CopyField label="the folder" text={record.path} />
      <Group>
        <OpenFolderButton path={record.path} />
      </Group>
      {python && (
        <div>
          <Text size="sm" mb={6}>
            Load it with Hugging Face:
          </Text>
          <CopyField block label="the code" text={loadSnippet(record.kind, record.path, basePath)} />
        </div>
      )}
      <Text size="xs" c="dimmed">
        Loads in: {info?.loads}.
      </Text>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
