import { Button, Group, Select, Skeleton } from '@mantine/core';
import { IconBox } from '@tabler/icons-react';
import { useMemo } from 'react';
import { href, navigate, useRoute } from '../../app/route.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { modelOf } from '../runs/run-view.ts';
import { useRunDetails } from '../runs/use-run-details.ts';
import { ChatPanel } from './ChatPanel.tsx';
import { checkpointOptions, NEWEST, runOptions } from './targets.ts';

/** Chat with a model as it was and as a run has made it. The choice lives in the address. */
export default function PlaygroundPage() {
  const { query } = useRoute();
  const models = useStore((s) => s.models);
  const modelsError = useStore((s) => s.modelsError);
  const loadModels = useStore((s) => s.loadModels);
  const runs = useStore((s) => s.runs);
  const details = useStore((s) => s.runDetails);
  const withCheckpoint = useMemo(
    () => Object.values(runs ?? {}).flatMap((run) => (run.checkpoint === null ? [] : [run.id])),
    [runs],
  );
  useRunDetails(withCheckpoint);

  const asked = query.get('run') ?? '';
  const askedSpec = details[asked]?.spec;
  const ofRun = askedSpec ? modelOf(askedSpec, { models, datasets: null }) : null;
  const usable = models?.filter((m) => m.problem === null) ?? [];
  const modelId = ofRun?.id ?? usable.find((m) => m.id === query.get('model'))?.id ?? usable[0]?.id ?? '';
  const choices = runOptions(runs, details, models, modelId);
  const runId = choices.some((c) => c.value === asked) ? asked : null;
  const checkpoint = runId ? (query.get('checkpoint') ?? '') : '';
  /** The address names a run whose details are not there yet. */
  const resolving =
    asked !== '' && runId === null && details[asked] === undefined && withCheckpoint.includes(asked);

  const go = (to: { model: string; run?: string | null; checkpoint?: string }) =>
    navigate(
      href('playground', { model: to.model, run: to.run ?? '', checkpoint: to.checkpoint ?? '' }),
      'replace',
    );

  if (!models || resolving)
    return (
      <Page title="Playground">
        {modelsError ? (
          <ErrorView
            info={modelsError}
            title="The models could not be listed"
            onRetry={() => void loadModels()}
          />
        ) : (
          <Skeleton h={420} />
        )}
      </Page>
    );
  if (usable.length === 0) return <NoModel />;
  const model = usable.find((m) => m.id === modelId);
  return (
    <Page
      title="Playground"
      actions={
        <Group gap="xs" wrap="nowrap">
          <Select
            w={220}
            aria-label="Model"
            data={usable.map((m) => ({ value: m.id, label: m.name }))}
            value={modelId}
            allowDeselect={false}
            searchable
            onChange={(value) => value && go({ model: value })}
          />
          <Select
            w={240}
            aria-label="Run"
            placeholder={choices.length > 0 ? 'Choose a run to compare' : 'No run of this model yet'}
            data={choices}
            value={runId}
            clearable
            searchable
            disabled={choices.length === 0}
            onChange={(value) => go({ model: modelId, run: value })}
          />
          <Select
            w={180}
            aria-label="Checkpoint"
            data={checkpointOptions(details[runId ?? ''])}
            value={checkpoint || NEWEST}
            allowDeselect={false}
            disabled={runId === null}
            onChange={(value) =>
              go({ model: modelId, run: runId, checkpoint: value && value !== NEWEST ? value : '' })
            }
          />
        </Group>
      }
    >
      <ChatPanel
        key={`${modelId} ${runId} ${checkpoint}`}
        target={{ modelId, runId, checkpoint }}
        names={{
          base: model?.name ?? modelId,
          tuned: choices.find((c) => c.value === runId)?.label ?? 'Tuned',
        }}
      />
    </Page>
  );
}

const NoModel = () => (
  <Page title="Playground">
    <EmptyState
      icon={IconBox}
      title="No model yet"
      text="Import a model first. Then chat with it here, alone or beside what your runs have made of it."
      action={
        <Button component="a" href="#/models">
          Go to the models
        </Button>
      }
    />
  </Page>
);
