import { Button, Group, MultiSelect, Select, Skeleton } from '@mantine/core';
import { IconBox } from '@tabler/icons-react';
import { useMemo } from 'react';
import { MAX_TUNED } from '../../../../electron/shared/api/chat.ts';
import { href, navigate } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { modelOfRun } from '../runs/run-view.ts';
import { useRunDetails } from '../runs/use-run-details.ts';
import { ChatPanel } from './ChatPanel.tsx';
import { BASE } from './chat.ts';
import { parseTargets, targetKey, targetOptions } from './targets.ts';

/** Chat with a model as it was and as runs have made it. The choice lives in the address. */
export default function PlaygroundPage() {
  const { query } = useRoute();
  const models = useStore((s) => s.models);
  const modelsError = useStore((s) => s.modelsError);
  const loadModels = useStore((s) => s.loadModels);
  const runs = useStore((s) => s.runs);
  const details = useStore((s) => s.runDetails);
  const detailErrors = useStore((s) => s.runDetailErrors);
  const withCheckpoint = useMemo(
    () => Object.values(runs ?? {}).flatMap((run) => (run.checkpoint === null ? [] : [run.id])),
    [runs],
  );
  useRunDetails(withCheckpoint);

  const asked = parseTargets(query.get('run') ?? '');
  const first = asked.map(({ runId }) => details[runId]).find((detail) => detail !== undefined);
  const ofRun = first ? modelOfRun(first, { models, datasets: null }) : null;
  const usable = models?.filter((m) => m.problem === null) ?? [];
  const modelId = ofRun?.id ?? usable.find((m) => m.id === query.get('model'))?.id ?? usable[0]?.id ?? '';
  const choices = targetOptions(runs, details, models, modelId);
  const tuned = asked
    .filter((target) => choices.some((c) => c.value === targetKey(target)))
    .slice(0, MAX_TUNED);
  // The newest checkpoint is offered once, as the run; the address may name it.
  const offered = choices
    .filter(({ value, newest }) => !newest || tuned.some((target) => targetKey(target) === value))
    .map(({ value, label }) => ({ value, label }));
  /** The address names runs whose details are not there yet. */
  const resolving = asked.some(
    ({ runId }) => !details[runId] && !detailErrors[runId] && withCheckpoint.includes(runId),
  );

  const go = (model: string, keys: readonly string[] = []) =>
    navigate(href('playground', { model, run: keys.join(',') }), 'replace');

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
  if (first && !ofRun) return <ModelGone path={first.spec.model} />;
  if (usable.length === 0) return <NoModel />;
  const model = usable.find((m) => m.id === modelId);
  return (
    <Page
      title="Playground"
      actions={
        <Group gap="xs">
          <Select
            w="min(220px, 100%)"
            aria-label="Model"
            data={usable.map((m) => ({ value: m.id, label: m.name }))}
            value={modelId}
            allowDeselect={false}
            searchable
            onChange={(value) => value && go(value)}
          />
          <MultiSelect
            w="min(440px, 100%)"
            aria-label="Compare with"
            placeholder={
              choices.length === 0
                ? 'No run of this model yet'
                : tuned.length === 0
                  ? 'Compare with runs'
                  : ''
            }
            data={offered}
            value={tuned.map(targetKey)}
            maxValues={MAX_TUNED}
            clearable
            searchable
            hidePickedOptions
            disabled={choices.length === 0}
            onChange={(keys) => go(modelId, keys)}
          />
        </Group>
      }
    >
      <ChatPanel
        key={modelId}
        target={{ modelId, tuned }}
        names={{
          [BASE]: model?.name ?? modelId,
          ...Object.fromEntries(choices.map(({ value, label }) => [value, label])),
        }}
      />
    </Page>
  );
}

/** Another model would answer instead, and nobody would notice. */
const ModelGone = ({ path }: { path: string }) => (
  <Page title="Playground">
    <EmptyState
      icon={IconBox}
      title="The model of this run is not in the library"
      text={`It was trained from ${path}. Import that folder, then the run can be asked here.`}
      action={
        <Button component="a" href="#/models">
          Go to the models
        </Button>
      }
    />
  </Page>
);

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
