/** Writes an adapter or a merged model out of a checkpoint: choices, progress, and what to do with the result. */
import { Button, Group, Modal, Radio, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { exportKinds, methodTraits } from '../../../../electron/shared/spec/method-traits.ts';
import { formatBytes, formatCount } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { JobProgress } from '../../components/JobProgress.tsx';
import { useStore } from '../../store/context.tsx';
import type { RunDetail } from '../../store/runs.ts';
import { CheckpointSelect, NO_CHECKPOINT, newestFirst } from '../runs/CheckpointSelect.tsx';
import { modelOfRun } from '../runs/run-view.ts';
import { useLibrary } from '../runs/use-library.ts';
import { ExportResult } from './ExportResult.tsx';
import {
  defaultDestination,
  type ExportKind,
  estimateBytes,
  type KindInfo,
  kindInfos,
} from './export-kinds.ts';
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
    <Modal opened onClose={onClose} title="Export" size="lg">
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
  const infos = kindInfos(detail.spec);
  const [first = 'merged'] = exportKinds(detail.spec.method.type);
  const checkpoints = newestFirst(detail);
  const [name, setName] = useState(props.checkpoint || checkpoints[0]?.name || '');
  const [kind, setKind] = useState<ExportKind>(first);
  const [destination, setDestination] = useState('');
  const job = useExport();
  const chosen = checkpoints.find((c) => c.name === name);

  if (job.state.kind === 'done')
    return (
      <ExportResult
        record={job.state.record}
        info={infos.find((info) => info.kind === kind)}
        python={kind === 'merged' || methodTraits(detail.spec.method.type).adapter === 'peft'}
        basePath={detail.spec.model}
        onClose={onClose}
      />
    );
  if (job.state.kind === 'running') return <Running jobId={job.state.jobId} onClose={onClose} />;
  if (!chosen) return <Text size="sm">{NO_CHECKPOINT}</Text>;
  return (
    <Stack gap="md">
      {job.state.kind === 'failed' && <ErrorView info={job.state.error} title="The export failed" />}
      <CheckpointSelect
        detail={detail}
        value={name}
        onChange={setName}
        description="The state of the training that is written out."
      />
      <KindChoice detail={detail} infos={infos} kind={kind} onChange={setKind} />
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
  infos: readonly KindInfo[];
  kind: ExportKind;
  onChange: (kind: ExportKind) => void;
}

/** Both kinds; one that this run cannot be written as says why, and what to do instead. */
function KindChoice({ detail, infos, kind, onChange }: KindProps) {
  const model = modelOfRun(detail, useLibrary());
  const trained = useStore((s) => s.runSeries[detail.status.id]?.attempts.at(-1)?.trainable_params ?? null);
  return (
    <Radio.Group label="What to write" value={kind} onChange={(value) => onChange(value as ExportKind)}>
      <Stack gap="xs" mt={6}>
        {infos.map((info) => (
          <KindCard
            key={info.kind}
            info={info}
            bytes={estimateBytes(info.kind, detail.spec.method, trained, model)}
            parameters={info.kind === 'merged' && model ? model.parameters : null}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}

function KindCard(props: { info: KindInfo; bytes: number | null; parameters: number | null }) {
  const { info, bytes, parameters } = props;
  const { refusal } = info;
  return (
    <Radio.Card value={info.kind} p="sm" radius="md" disabled={refusal !== null}>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator mt={2} disabled={refusal !== null} />
        <div style={{ flex: 1 }}>
          <Group justify="space-between">
            <Text size="sm" fw={600}>
              {info.title}
            </Text>
            <Text size="xs" c="dimmed">
              {refusal || bytes === null ? '' : `about ${formatBytes(bytes)}`}
            </Text>
          </Group>
          <Text size="sm">{refusal ? `${refusal.reason} ${refusal.way}` : info.text}</Text>
          {!refusal && (
            <Text size="xs" c="dimmed" mt={4}>
              Loads in: {info.loads}
              {parameters === null ? '' : ` (${formatCount(parameters)} parameters)`}
            </Text>
          )}
        </div>
      </Group>
    </Radio.Card>
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
