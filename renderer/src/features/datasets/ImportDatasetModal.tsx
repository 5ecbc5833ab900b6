import { Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { JobProgress } from '../../components/JobProgress.tsx';
import { PathPicker } from '../../components/PathPicker.tsx';
import classes from './ImportPreview.module.css';
import { ImportPreview, type Unusable } from './ImportPreview.tsx';
import { type Reading, useImport } from './use-import.ts';

interface Props {
  /** To begin with; empty: to be chosen. */
  readonly path: string;
  readonly onDone: (dataset: DatasetCard) => void;
  readonly onClose: () => void;
}

const EXTENSIONS = ['jsonl', 'ndjson', 'json', 'csv', 'tsv', 'parquet', 'arrow', 'feather', 'txt'];
const PACKED = ['gz', 'zst', 'bz2', 'xz'];
const ENCODINGS = [
  { value: 'utf-8', label: 'UTF-8' },
  { value: 'windows-1252', label: 'Windows-1252 (Western European)' },
];

/** A data file for the library: chosen, looked at, imported. Closing leaves an import running. */
export function ImportDatasetModal({ path: first, onDone, onClose }: Props) {
  const [path, setPath] = useState(first);
  const [name, setName] = useState('');
  const [encoding, setEncoding] = useState<Reading['encoding']>('utf-8');
  const [ragged, setRagged] = useState<Reading['ragged']>('refuse');
  const [unusable, setUnusable] = useState<Unusable>('keep');
  const [browsing, setBrowsing] = useState(false);
  const { job, step, failure, previewOf, look, bring } = useImport(onDone);
  const reading: Reading = { path: path.trim(), encoding, ragged };
  const preview = previewOf(reading);
  const busy = step !== 'idle';
  const uneven = ragged === 'leave_out' || failure?.info.data.choice === 'ragged';

  // A file that was dropped is looked at without being asked to.
  const dropped = useRef(first !== '');
  useEffect(() => {
    if (!dropped.current) return;
    dropped.current = false;
    void look(reading);
  });

  return (
    <Modal
      opened
      onClose={onClose}
      title="Import dataset"
      size={preview ? 'xl' : 'lg'}
      closeOnEscape={!browsing}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void (preview ? bring(reading, name.trim(), unusable) : look(reading));
        }}
      >
        <Stack gap="md">
          <PathPicker
            label="Path"
            pick="file"
            extensions={[...EXTENSIONS, ...PACKED]}
            description="A JSONL, JSON, CSV, Parquet, Arrow or text file, also compressed."
            placeholder="/home/me/data/train.jsonl"
            value={path}
            onChange={setPath}
            onBrowsing={setBrowsing}
          />
          <Group grow align="flex-start" gap="md">
            <TextInput
              label="Name"
              description="Empty: the name of the file."
              value={name}
              maxLength={120}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Select
              label="Text encoding"
              description="UTF-16 is detected."
              data={ENCODINGS}
              value={encoding}
              allowDeselect={false}
              onChange={(value) => setEncoding((value ?? 'utf-8') as Reading['encoding'])}
            />
          </Group>
          {failure && <ErrorView title={failure.title} info={failure.info} />}
          {uneven && (
            <Checkbox
              label="Leave out rows with another number of fields than the header"
              checked={ragged === 'leave_out'}
              onChange={(event) => setRagged(event.currentTarget.checked ? 'leave_out' : 'refuse')}
            />
          )}
          {preview ? (
            <ImportPreview preview={preview} unusable={unusable} onUnusable={setUnusable} />
          ) : (
            <Text size="sm" c="dimmed">
              The rows are copied into the library; the file stays as it is. Which columns hold what is
              guessed from their names and can be changed afterwards.
            </Text>
          )}
          {job && job.state === 'running' && <JobProgress job={job} />}
          <Group justify="flex-end" gap="sm" className={classes.actions ?? ''}>
            <Button variant="default" onClick={onClose}>
              {step === 'importing' ? 'Go on in the background' : 'Cancel'}
            </Button>
            <Button type="submit" loading={busy} disabled={path.trim() === ''}>
              {preview ? 'Import' : 'Preview'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
