/** Evaluates a checkpoint of a run, or a base model: which sets, and off it goes as a run of its own. */
import { Button, Checkbox, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import { type ErrorInfo, toErrorInfo } from '../../../../electron/shared/errors.ts';
import type { SpecIssue } from '../../../../electron/shared/spec/run-spec.ts';
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import { href, navigate } from '../../app/route.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { libraryRef } from '../../store/compose.ts';
import { useClient, useStore } from '../../store/context.tsx';
import type { RunDetail } from '../../store/runs.ts';
import { EvaluationSetsField } from '../compose/fields/EvaluationSetsField.tsx';
import type { Entry } from '../compose/fields/evaluation-sets.ts';
import { SetsPlace } from '../compose/fields/sets-place.ts';
import { CheckpointSelect, NO_CHECKPOINT, newestFirst } from '../runs/CheckpointSelect.tsx';
import { useLibrary } from '../runs/use-library.ts';
import { type EvaluationOf, firstSets, hasHeldOut } from './wish.ts';

const ID = 'evaluate-sets';

/** Of a checkpoint; empty: the newest. */
export function EvaluateRunDialog(props: { runId: string; checkpoint: string; onClose: () => void }) {
  const { runId, checkpoint, onClose } = props;
  const detail = useStore((s) => s.runDetails[runId]);
  const error = useStore((s) => s.runDetailErrors[runId]);
  const load = useStore((s) => s.loadRun);
  // Checkpoints come and go while a run lives: always read them anew.
  useEffect(() => {
    void load(runId);
  }, [runId, load]);
  return (
    <Frame title={`Evaluate ${detail?.status.name ?? ''}`} onClose={onClose}>
      {detail ? (
        <RunForm detail={detail} checkpoint={checkpoint} onClose={onClose} />
      ) : error ? (
        <ErrorView info={error} title="This run could not be read" onRetry={() => void load(runId)} />
      ) : (
        <Skeleton h={280} />
      )}
    </Frame>
  );
}

export function EvaluateModelDialog({ model, onClose }: { model: ModelCard; onClose: () => void }) {
  return (
    <Frame title={`Evaluate ${model.name}`} onClose={onClose}>
      <SetsForm of={{ model: libraryRef(model.id) }} first={[]} training={undefined} onClose={onClose} />
    </Frame>
  );
}

function Frame(props: { title: string; onClose: () => void; children: React.ReactNode }) {
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      size="xl"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {props.children}
    </Modal>
  );
}

function RunForm({ detail, ...props }: { detail: RunDetail; checkpoint: string; onClose: () => void }) {
  const checkpoints = newestFirst(detail);
  const [name, setName] = useState(props.checkpoint || checkpoints[0]?.name || '');
  const library = useLibrary();
  const first = useMemo(() => firstSets(detail.spec, library), [detail.spec, library]);
  if (checkpoints.length === 0) return <Text size="sm">{NO_CHECKPOINT}</Text>;
  return (
    <Stack gap="md">
      <CheckpointSelect detail={detail} value={name} onChange={setName} />
      <SetsForm
        of={{ run: detail.status.id, checkpoint: name }}
        first={first}
        training={detail.spec.dataset.mapping}
        heldOut={hasHeldOut(detail.spec)}
        onClose={props.onClose}
      />
    </Stack>
  );
}

interface FormProps {
  of: EvaluationOf;
  first: readonly Entry[];
  /** Columns of the run's data. */
  training: Entry | undefined;
  /** Whether the run holds rows out. */
  heldOut?: boolean;
  onClose: () => void;
}

function SetsForm({ of, first, training, heldOut = false, onClose }: FormProps) {
  const [sets, setSets] = useState(first);
  const [withHeldOut, setWithHeldOut] = useState(heldOut);
  const { error, issues, busy, start, forget } = useEvaluation();
  const told = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error) told.current?.scrollIntoView({ block: 'nearest' });
  }, [error]);
  const field = specFields().find(({ path }) => path === 'evaluation.sets');
  if (!field) return null;
  const nothing = sets.length === 0 && !withHeldOut;
  return (
    <Stack gap="md">
      {heldOut && (
        <Checkbox
          label="Held-out rows of the run"
          checked={withHeldOut}
          onChange={(event) => setWithHeldOut(event.currentTarget.checked)}
        />
      )}
      <div>
        <Text id={`${ID}-label`} size="sm" fw={550} mb={6}>
          Evaluation sets
        </Text>
        <SetsPlace.Provider value={{ training, issues }}>
          <EvaluationSetsField
            field={field}
            id={ID}
            value={sets}
            recommended={null}
            error={undefined}
            help="Data of the library or a file, a public benchmark's file among them; what is measured on it is yours to choose."
            blocked={false}
            onChange={(value) => {
              setSets(value as Entry[]);
              // It was about what stood there before.
              forget();
            }}
          />
        </SetsPlace.Provider>
      </div>
      {/* Beside the button that was pressed: the top of a long form is out of sight. */}
      <div ref={told}>{error && <ErrorView info={error} title="The evaluation did not begin" />}</div>
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          loading={busy}
          disabled={nothing}
          onClick={async () => {
            const id = await start({ of, sets: [...sets], heldOut: withHeldOut });
            if (id === null) return;
            onClose();
            navigate(href('runs', id));
          }}
        >
          Evaluate
        </Button>
      </Group>
    </Stack>
  );
}

/** Starts one; what is wrong with it stands at its fields. */
function useEvaluation() {
  const client = useClient();
  const [error, setError] = useState<ErrorInfo | null>(null);
  const [busy, setBusy] = useState(false);
  const issues = (error?.code === 'spec.invalid' ? error.data.issues : null) as SpecIssue[] | null;
  return {
    error,
    issues: issues ?? [],
    busy,
    forget: () => setError(null),
    async start(wish: { of: EvaluationOf; sets: Entry[]; heldOut: boolean }): Promise<string | null> {
      setBusy(true);
      setError(null);
      try {
        return (await client.call('evaluations.start', wish)).id;
      } catch (thrown) {
        setError(toErrorInfo(thrown));
        return null;
      } finally {
        setBusy(false);
      }
    },
  };
}
