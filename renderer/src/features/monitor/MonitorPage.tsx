import { Group, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { useMemo } from 'react';
import { callbackOfSet } from '../../../../electron/shared/runs/callbacks.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { rankLog } from '../../../../electron/shared/runs/run-folder.ts';
import { href, navigate } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import classes from '../../charts/charts.module.css';
import { Swatch } from '../../charts/Swatch.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Page } from '../../components/Page.tsx';
import { RunStateBadge } from '../runs/RunStateBadge.tsx';
import { lookOfRun, ownColors } from '../runs/run-looks.ts';
import { datasetName, isLive, methodName, modelName } from '../runs/run-view.ts';
import { useLibrary } from '../runs/use-library.ts';
import { type RunCommands, useRunCommands } from '../runs/use-run-commands.tsx';
import { AlarmList } from './AlarmList.tsx';
import { AskTab } from './AskTab.tsx';
import { CallbackNotice, CallbacksTab } from './CallbacksTab.tsx';
import { ChartsTab } from './ChartsTab.tsx';
import { CheckpointsTab } from './CheckpointsTab.tsx';
import { EvaluatedModel, EvaluationResults } from './EvaluationResults.tsx';
import { ExamplesTab } from './ExamplesTab.tsx';
import { FailurePanel } from './FailurePanel.tsx';
import { LogTab } from './LogTab.tsx';
import { RunButtons, RunProgress } from './RunHeader.tsx';
import { RanksTab } from './ranks/RanksTab.tsx';
import { RestartNotice } from './ranks/RestartNotice.tsx';
import { SamplesTab } from './SamplesTab.tsx';
import { EnvironmentTab, SettingsTab } from './SettingsTab.tsx';
import { StatTiles } from './StatTiles.tsx';
import { statTiles } from './stat-tiles.ts';
import { useRun, type WatchedRun } from './use-run.ts';
import { Warnings } from './Warnings.tsx';

const back = { label: 'Runs', href: '#/runs' };

/** One run, while it goes on or long after. */
export default function MonitorPage({ id }: { id: string }) {
  const watched = useRun(id);
  const commands = useRunCommands();
  const { status, detailError } = watched;
  if (!status)
    return (
      <Page title={detailError ? 'Run' : 'Loading the run'} back={back}>
        {detailError ? (
          <ErrorView info={detailError} title="This run could not be read" onRetry={watched.reload} />
        ) : (
          <Waiting />
        )}
      </Page>
    );
  const failure = status.state === 'failed' ? (status.error ?? watched.series.error) : null;
  return (
    <Page
      title={status.name}
      back={back}
      description={<Subtitle status={status} watched={watched} />}
      actions={<RunButtons run={status} commands={commands} />}
    >
      <div className={classes.colors} style={ownColors(lookOfRun(id))}>
        <RunProgress run={status} />
        <RestartNotice status={status} most={watched.detail?.spec.recovery.max_restarts ?? null} />
        {failure && (
          <FailurePanel
            id={id}
            error={failure}
            spec={watched.detail?.spec ?? null}
            onDuplicate={(change) => commands.reuse(status, change)}
          />
        )}
        {watched.streamError && (
          <ErrorView info={watched.streamError} title="The events of this run could not be read" />
        )}
        <AlarmList alarms={status.alarms} />
        <CallbackNotice callbacks={status.callbacks} />
        <Warnings warnings={watched.series.warnings} />
        <RunTabs id={id} status={status} watched={watched} commands={commands} />
      </div>
      {commands.dialog}
    </Page>
  );
}

function Subtitle({ status, watched }: { status: RunStatus; watched: WatchedRun }) {
  const spec = watched.detail?.spec;
  const library = useLibrary();
  return (
    <Group gap="sm" mt={4} className={classes.colors}>
      <Swatch line={lookOfRun(status.id)} />
      <RunStateBadge state={status.state} size="md" />
      {spec && (
        <Text size="sm" c="dimmed">
          {watched.detail?.evaluates ? (
            <EvaluatedModel evaluates={watched.detail.evaluates} model={modelName(spec, library)} />
          ) : (
            `${modelName(spec, library)} on ${datasetName(spec, library)}, ${methodName(spec)}`
          )}
          {status.attempt > 1 ? `, attempt ${status.attempt}` : ''}
        </Text>
      )}
    </Group>
  );
}

const tabs = [
  'charts',
  'ranks',
  'examples',
  'samples',
  'ask',
  'log',
  'callbacks',
  'checkpoints',
  'settings',
  'environment',
] as const;
type Tab = (typeof tabs)[number];
const tabTitles: Record<Tab, string> = {
  charts: 'Charts',
  ranks: 'Ranks',
  examples: 'Examples',
  samples: 'Samples',
  ask: 'Ask',
  log: 'Log',
  callbacks: 'Callbacks',
  checkpoints: 'Checkpoints',
  settings: 'Settings',
  environment: 'Environment',
};

/** Of a run that only evaluates there is none of these. */
const trainingTabs: readonly Tab[] = ['ranks', 'samples', 'ask', 'checkpoints'];

interface TabsProps {
  id: string;
  status: RunStatus;
  watched: WatchedRun;
  commands: RunCommands;
}

function RunTabs({ id, status, watched, commands }: TabsProps) {
  const { query } = useRoute();
  const { detail, series } = watched;
  const asked = query.get('tab');
  const evaluates = detail?.evaluates ?? null;
  const shown = tabs.filter(
    (t) =>
      (t !== 'ranks' || status.ranks.length > 1) &&
      (t !== 'callbacks' || status.callbacks.length > 0) &&
      (!evaluates || !trainingTabs.includes(t)) &&
      // Open when the run ends, it stays, and says where to go on.
      (t !== 'ask' || isLive(status.state) || asked === 'ask'),
  );
  const tab = shown.find((t) => t === asked) ?? 'charts';
  const evaluations = Object.entries(series.evals)
    .filter(([set]) => callbackOfSet(set) === null)
    .reduce((sum, [, { length }]) => sum + length, 0);
  const tiles = useMemo(() => statTiles(status, series), [status, series]);
  return (
    <Tabs
      value={tab}
      keepMounted={false}
      onChange={(value) =>
        navigate(href('runs', id, { tab: value === 'charts' ? '' : (value ?? '') }), 'replace')
      }
    >
      <Tabs.List mb="lg">
        {shown.map((value) => (
          <Tabs.Tab key={value} value={value}>
            {evaluates && value === 'charts' ? 'Results' : tabTitles[value]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="charts">
        {evaluates ? (
          <EvaluationResults status={status} series={series} />
        ) : (
          <>
            <StatTiles tiles={tiles} />
            <ChartsTab id={id} series={series} emptyText={emptyText(status)} />
          </>
        )}
      </Tabs.Panel>
      <Tabs.Panel value="examples">
        <ExamplesTab id={id} stamp={evaluations} />
      </Tabs.Panel>
      <Tabs.Panel value="log">
        <LogTab id={id} live={isLive(status.state)} path={detail ? `${detail.path}/${rankLog(0)}` : null} />
      </Tabs.Panel>
      <Tabs.Panel value="callbacks">
        <CallbacksTab
          id={id}
          callbacks={status.callbacks}
          live={isLive(status.state)}
          path={detail?.path ?? null}
        />
      </Tabs.Panel>
      {detail ? (
        <>
          <Tabs.Panel value="ranks">
            <RanksTab status={status} spec={detail.spec} />
          </Tabs.Panel>
          <Tabs.Panel value="samples">
            <SamplesTab
              samples={detail.samples}
              lastStep={status.step}
              asked={detail.spec.sampling.prompts.length > 0}
            />
          </Tabs.Panel>
          <Tabs.Panel value="ask">
            <AskTab status={status} spec={detail.spec} />
          </Tabs.Panel>
          <Tabs.Panel value="checkpoints">
            <CheckpointsTab run={status} detail={detail} saved={series.checkpoints} commands={commands} />
          </Tabs.Panel>
          <Tabs.Panel value="settings">
            <SettingsTab spec={detail.spec} series={series} />
          </Tabs.Panel>
          <Tabs.Panel value="environment">
            <EnvironmentTab environment={detail.environment} />
          </Tabs.Panel>
        </>
      ) : (
        !['charts', 'examples', 'log', 'callbacks'].includes(tab) && <DetailMissing watched={watched} />
      )}
    </Tabs>
  );
}

function emptyText(status: RunStatus): string {
  if (isLive(status.state)) return 'Values appear after the first step';
  return status.step > 0 ? 'Reading the events' : 'The run ended before its first step';
}

function DetailMissing({ watched }: { watched: WatchedRun }) {
  if (watched.detailError)
    return (
      <ErrorView info={watched.detailError} title="This run could not be read" onRetry={watched.reload} />
    );
  return <Waiting />;
}

const Waiting = () => (
  <Stack gap="md" role="status" aria-label="Loading the run">
    <Skeleton h={14} />
    <Skeleton h={80} />
    <Skeleton h={280} />
  </Stack>
);
