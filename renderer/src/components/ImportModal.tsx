import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import { useStore } from '../store/context.tsx';
import { asErrorInfo } from '../store/notices.ts';
import { ErrorView } from './ErrorView.tsx';
import { JobProgress } from './JobProgress.tsx';
import { PathPicker, type PathPickerProps } from './PathPicker.tsx';

interface Props {
  readonly title: string;
  /** To begin with. */
  readonly path: string;
  readonly hint: ReactNode;
  readonly picker: Pick<PathPickerProps, 'pick' | 'extensions' | 'placeholder' | 'description'>;
  /** Starts the job and returns its id. */
  readonly start: (path: string, name: string) => Promise<string>;
  /** Called with the job's result. */
  readonly onDone: (result: unknown) => void;
  readonly onClose: () => void;
}

/** Path and name of something for the library, then the progress of its import. Closing leaves the job running. */
export function ImportModal({ title, path: first, hint, picker, start, onDone, onClose }: Props) {
  const [path, setPath] = useState(first);
  const [name, setName] = useState('');
  const [jobId, setJobId] = useState<string | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  const [busy, setBusy] = useState(false);
  const [browsing, setBrowsing] = useState(false);
  const job = useStore((s) => (jobId ? s.jobs[jobId] : undefined));
  const awaitJob = useStore((s) => s.awaitJob);

  async function submit() {
    setBusy(true);
    setError(null);
    try {
      const id = await start(path.trim(), name.trim());
      setJobId(id);
      onDone(await awaitJob(id));
    } catch (thrown) {
      setError(asErrorInfo(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeOnEscape={!browsing}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack gap="md">
          <PathPicker label="Path" {...picker} value={path} onChange={setPath} onBrowsing={setBrowsing} />
          <TextInput
            label="Name"
            description="How it is called in lists. Empty: the name of the file or folder."
            value={name}
            maxLength={120}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {hint}
          {error && <ErrorView title="The import failed" info={error} />}
          {job && job.state === 'running' && <JobProgress job={job} />}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>
              {busy ? 'Go on in the background' : 'Cancel'}
            </Button>
            <Button type="submit" loading={busy} disabled={path.trim() === ''}>
              Import
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
