/** Writes an adapter or a merged model out of a checkpoint: choices, progress, and what to do with the result. */
import { Button, Group, Modal, Radio, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { formatBytes, formatCount } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { JobProgress } from '../../components/JobProgress.tsx';
import { useStore } from '../../store/context.tsx';
import type { RunDetail } from '../../store/runs.ts';
import { modelOf } from '../runs/run-view.ts';
import { useLibrary } from '../runs/use-library.ts';
import { ExportResult } from './ExportResult.tsx';
import { defaultDestination, type ExportKind, estimateBytes, kindInfos, kindsFor } from './export-kinds.ts';
import { useExport } from './use-export.ts';

interface Props {
  runId: string;
  /** Empty: the newest. */
  checkpoint: string;
  onClose: () => void;
}

export function ExportDialog({ runId, checkpoint, onClose }: Props) {
  const detail = useStore((s) => s.runDetails[runId]);
  const error = useStore((s) => s.runDetailErrors[runId]);
  const load = useStore((s) => s.loadRun);
  // Checkpoints come and go while a run lives: always read them anew.
  useEffect(() => {
    void load(runId);
  }, [runId, load]);
  return (
    <Modal opened onClose={onClose} title="Export" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      {detail ? (
        <ExportForm detail={detail} checkpoint={checkpoint} onClose={onClose} />
      ) : error ? (
        <ErrorView info={error} title="This run could not be read" onRetry={() => void load(runId)} />
      ) : (
        <Skeleton h={280} />
      )}
    </Modal>
  );
}

function ExportForm(props: { detail: RunDetail; checkpoint: string; onClose: () => void }) {
  const { detail, onClose } = props;
  const kinds = kindsFor(detail.spec.method.type);
  const checkpoints = [...detail.checkpoints].sort((a, b) => b.step - a.step);
  const [name, setName] = useState(props.checkpoint || checkpoints[0]?.name || '');
  const [kind, setKind] = useState<ExportKind>(kinds[0] ?? 'merged');
  const [destination, setDestination] = useState('');
  const job = useExport();
  const chosen = checkpoints.find((c) => c.name === name);

  if (job.state.kind === 'done')
    return <ExportResult record={job.state.record} basePath={detail.spec.model} onClose={onClose} />;
  if (job.state.kind === 'running') return <Running jobId={job.state.jobId} onClose={onClose} />;
  if (!chosen)
    return (
      <Text size="sm">
        This run has no checkpoint yet. One is saved at the intervals chosen for the run, when it is stopped,
        and when you press "Save now".
      </Text>
    );
  return (
    <Stack gap="md">
      {job.state.kind === 'failed' && <ErrorView info={job.state.error} title="The export failed" />}
      <Select
        label="Checkpoint"
        description="The state of the training that is written out."
        data={checkpoints.map((c, i) => ({
          value: c.name,
          label: `Step ${c.step}${i === 0 ? ' (newest)' : ''}`,
        }))}
        value={name}
        allowDeselect={false}
        onChange={(value) => setName(value ?? name)}
      />
      <KindChoice
        detail={detail}
        kinds={kinds}
        kind={kind}
        onChange={setKind}
        checkpointBytes={chosen.sizeBytes}
      />
      <TextInput
        label="Folder"
        description="A folder that does not exist yet. Empty: inside the folder of the run."
        placeholder={defaultDestination(detail.path, kind, chosen.step)}
        value={destination}
        onChange={(event) => setDestination(event.currentTarget.value)}
      />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          loading={job.state.kind === 'starting'}
          onClick={() =>
            void job.start({
              runId: detail.status.id,
              checkpoint: name,
              kind,
              destination: destination.trim(),
            })
          }
        >
          Export
        </Button>
      </Group>
    </Stack>
  );
}

interface KindProps {
  detail: RunDetail;
  kinds: readonly ExportKind[];
  kind: ExportKind;
  checkpointBytes: number;
  onChange: (kind: ExportKind) => void;
}

function KindChoice({ detail, kinds, kind, checkpointBytes, onChange }: KindProps) {
  const model = modelOf(detail.spec, useLibrary());
  return (
    <Radio.Group label="What to write" value={kind} onChange={(value) => onChange(value as ExportKind)}>
      <Stack gap="xs" mt={6}>
        {kindInfos
          .filter((info) => kinds.includes(info.kind))
          .map((info) => {
            const bytes = estimateBytes(info.kind, checkpointBytes, model);
            return (
              <Radio.Card key={info.kind} value={info.kind} p="sm" radius="md">
                <Group wrap="nowrap" align="flex-start" gap="sm">
                  <Radio.Indicator mt={2} />
                  <div style={{ flex: 1 }}>
                    <Group justify="space-between">
                      <Text size="sm" fw={600}>
                        {info.title}
                      </Text>
                      <Text size="xs" c="dimmed">
                        {bytes === null ? '' : `about ${formatBytes(bytes)}`}
                      </Text>
                    </Group>
                    <Text size="sm">{info.text}</Text>
                    <Text size="xs" c="dimmed" mt={4}>
                      Loads in: {info.loads}
                      {info.kind === 'merged' && model
                        ? ` (${formatCount(model.parameters)} parameters)`
                        : ''}
                    </Text>
                  </div>
                </Group>
              </Radio.Card>
            );
          })}
      </Stack>
    </Radio.Group>
  );
}

function Running({ jobId, onClose }: { jobId: string; onClose: () => void }) {
  const job = useStore((s) => s.jobs[jobId]);
  const cancel = useStore((s) => s.cancelJob);
  return (
    <Stack gap="md">
      {job ? <JobProgress job={job} /> : <Skeleton h={40} />}
      <Text size="sm" c="dimmed">
        You may close this window: the export goes on, and the list of jobs shows it.
      </Text>
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={() => void cancel(jobId)}>
          Cancel the export
        </Button>
        <Button onClick={onClose}>Close</Button>
      </Group>
    </Stack>
  );
}
