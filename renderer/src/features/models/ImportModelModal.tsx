import { Text } from '@mantine/core';
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import { ImportModal } from '../../components/ImportModal.tsx';
import { useStore } from '../../store/context.tsx';

interface Props {
  /** To begin with; empty: to be chosen. */
  readonly path: string;
  readonly onDone: (model: ModelCard) => void;
  readonly onClose: () => void;
}

export function ImportModelModal({ path, onDone, onClose }: Props) {
  const start = useStore((s) => s.importModel);
  return (
    <ImportModal
      path={path}
      title="Import model"
      picker={{
        pick: 'either',
        extensions: ['gguf'],
        description: 'A folder in Hugging Face layout, or a .gguf file.',
        placeholder: '/data/models/Llama-3.2-1B-Instruct',
      }}
      hint={
        <Text size="sm" c="dimmed">
          A folder is used where it lies, nothing is copied. A GGUF file is converted: its weights are
          unpacked to bf16, so the copy in the library is larger than the file.
        </Text>
      }
      start={start}
      onDone={(result) => onDone(result as ModelCard)}
      onClose={onClose}
    />
  );
}
