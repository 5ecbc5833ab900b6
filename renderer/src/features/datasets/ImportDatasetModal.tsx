import { Text } from '@mantine/core';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import { ImportModal } from '../../components/ImportModal.tsx';
import { useStore } from '../../store/context.tsx';

interface Props {
  /** To begin with; empty: to be chosen. */
  readonly path: string;
  readonly onDone: (dataset: DatasetCard) => void;
  readonly onClose: () => void;
}

export function ImportDatasetModal({ path, onDone, onClose }: Props) {
  const start = useStore((s) => s.importDataset);
  return (
    <ImportModal
      path={path}
      title="Import dataset"
      picker={{
        pick: 'file',
        extensions: ['jsonl', 'ndjson', 'json', 'csv', 'tsv', 'parquet'],
        description: 'A JSONL, JSON, CSV or Parquet file.',
        placeholder: '/home/me/data/train.jsonl',
      }}
      hint={
        <Text size="sm" c="dimmed">
          The rows are copied into the library; the file stays as it is. Which columns hold what is guessed
          from their names and can be changed afterwards.
        </Text>
      }
      start={start}
      onDone={(result) => onDone(result as DatasetCard)}
      onClose={onClose}
    />
  );
}
