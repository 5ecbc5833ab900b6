import { Alert, Group, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { IconAlertTriangle, IconScale } from '@tabler/icons-react';
import type { ComponentType, ReactNode } from 'react';
import chartClasses from '../../charts/charts.module.css';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { RunCommandsProvider, useRunCommands } from '../runs/use-run-commands.tsx';
import { CandidateSelect, candidateOf } from './CandidateSelect.tsx';
import { ChartsTab } from './ChartsTab.tsx';
import { AddRuns, ViewControls } from './Controls.tsx';
import type { Compared, LookedGroup } from './compared.ts';
import { DataTab } from './DataTab.tsx';
import { ExamplesTab } from './ExamplesTab.tsx';
import { ExploreTab } from './ExploreTab.tsx';
import { GroupsBar } from './GroupsBar.tsx';
import { LogsTab } from './LogsTab.tsx';
import { OverviewTab } from './OverviewTab.tsx';
import { SamplesTab } from './SamplesTab.tsx';
import { SaveBar } from './SaveBar.tsx';
import { type Comparison, useComparison } from './use-comparison.ts';
import { useReport } from './use-report.ts';
import { useVerdicts } from './VerdictPanel.tsx';

const back = { label: 'Comparisons', href: '#/compare' };

const tabs = {
  overview: 'Overview',
  charts: 'Charts',
  explore: 'Explore',
  data: 'Data',
  samples: 'Samples',
  examples: 'Examples',
  logs: 'Logs and time',
} as const;
type Tab = keyof typeof tabs;

/** One comparison: of the address, or a saved one. */
export function ComparisonPage({ id }: { id: string | null }) {
  const comparison = useComparison(id);
  const commands = useRunCommands();
  const { view, saved, error } = comparison;
  const title = saved?.name ?? (id === null ? 'Comparison' : 'Saved comparison');
  return (
    <Page
      title={title}
      back={back}
      actions={view && <SaveBar comparison={comparison} />}
      description={view ? plural(view.runs.length, 'run') : undefined}
    >
      {error && <ErrorView info={error} title="This comparison could not be read" />}
      {!view && !error && <Waiting />}
      {view && (
        <RunCommandsProvider value={commands}>
          <div className={chartClasses.colors}>
            <Body comparison={comparison} />
          </div>
          {commands.dialog}
        </RunCommandsProvider>
      )}
    </Page>
  );
}

function Body({ comparison }: { comparison: Comparison }) {
  const { compared, complete, answer } = useReport(comparison.view);
  if (!compared)
    return answer.error ? (
      <ErrorView info={answer.error} title="The runs could not be compared" onRetry={answer.again} />
    ) : (
      <Waiting />
    );
  return (
    <Stack gap="md">
      {answer.error && (
        <ErrorView info={answer.error} title="The runs could not be compared" onRetry={answer.again} />
      )}
      <Warnings compared={compared} />
      <Group gap="xs" align="flex-start">
        <AddRuns comparison={comparison} />
        <ViewControls comparison={comparison} />
      </Group>
      <GroupsBar compared={compared} comparison={comparison} />
      {compared.groups.length === 0 ? (
        <EmptyState
          icon={IconScale}
          title="No run is left in this comparison"
          text="Its runs have been removed, or taken out. Add others above."
        />
      ) : (
        <CompareTabs compared={compared} comparison={comparison} complete={complete} />
      )}
    </Stack>
  );
}

interface TabsProps {
  compared: Compared;
  comparison: Comparison;
  complete: boolean;
}

function CompareTabs({ compared, comparison, complete }: TabsProps) {
  const verdicts = useVerdicts(compared);
  const asked = comparison.query.get('tab') ?? '';
  const tab: Tab = asked in tabs ? (asked as Tab) : 'overview';
  /** A tab that holds one group against the baseline. */
  const pair = (
    PairTab: ComponentType<{ compared: Compared; candidate: LookedGroup; comparison: Comparison }>,
  ) => {
    const candidate = candidateOf(compared, comparison);
    if (!candidate)
      return <Text c="dimmed">There is nothing to hold against the baseline. Add another run.</Text>;
    return (
      <>
        <CandidateSelect compared={compared} candidate={candidate} comparison={comparison} />
        <PairTab
          key={`${compared.baseline?.key} ${candidate.key}`}
          compared={compared}
          candidate={candidate}
          comparison={comparison}
        />
      </>
    );
  };
  const pages: Record<Tab, () => ReactNode> = {
    overview: () => <OverviewTab compared={compared} verdicts={verdicts} complete={complete} />,
    charts: () => (complete ? <ChartsTab compared={compared} /> : <Waiting />),
    explore: () => (complete ? <ExploreTab compared={compared} /> : <Waiting />),
    data: () => pair(DataTab),
    samples: () => pair(SamplesTab),
    examples: () => pair(ExamplesTab),
    logs: () => pair(LogsTab),
  };
  return (
    <Tabs
      value={tab}
      keepMounted={false}
      onChange={(value) => comparison.setQuery({ tab: value === 'overview' ? '' : (value ?? '') })}
    >
      <Tabs.List mb="lg">
        {Object.entries(tabs).map(([value, title]) => (
          <Tabs.Tab key={value} value={value}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={tab}>{pages[tab]()}</Tabs.Panel>
    </Tabs>
  );
}

/** Faults of single runs that are told before more are left out. */
const MOST_WARNINGS = 5;

function Warnings({ compared }: { compared: Compared }) {
  const { warnings, missing } = compared.report;
  const gone =
    missing.length === 0
      ? []
      : [
          `${plural(missing.length, 'run')} of this comparison ${missing.length === 1 ? 'is' : 'are'} not there any more: ${missing.slice(0, MOST_WARNINGS).join(', ')}${missing.length > MOST_WARNINGS ? ', …' : ''}.`,
        ];
  const all = [...gone, ...warnings];
  if (all.length === 0) return null;
  return (
    <Alert variant="light" color="yellow" icon={<IconAlertTriangle aria-hidden />} p="xs">
      {all.slice(0, MOST_WARNINGS).map((text) => (
        <Text key={text} size="sm">
          {text}
        </Text>
      ))}
      {all.length > MOST_WARNINGS && <Text size="sm">and {all.length - MOST_WARNINGS} more</Text>}
    </Alert>
  );
}

const Waiting = () => (
  <Stack gap="md" role="status" aria-label="Reading the runs">
    <Skeleton h={36} />
    <Skeleton h={80} />
    <Skeleton h={280} />
  </Stack>
);
