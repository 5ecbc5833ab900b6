import { Anchor, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { Guide } from './Guide.tsx';
import { guideSteps, recentRuns } from './guide.ts';
import classes from './Home.module.css';
import { MachineSummary } from './MachineSummary.tsx';
import { RecentRun } from './RecentRun.tsx';

const RECENT = 5;

export default function HomePage() {
  const models = useStore((s) => s.models);
  const datasets = useStore((s) => s.datasets);
  const runs = useStore((s) => s.runs);
  const loading = !models || !datasets || !runs;
  const steps = useMemo(() => guideSteps(models, datasets, runs), [models, datasets, runs]);
  const recent = useMemo(() => recentRuns(runs, RECENT), [runs]);
  const finished = steps.every((step) => step.done);
  return (
    <Page
      title="Collie Workbench"
      description="Fine-tune language models on your own machine."
      actions={
        <Button component="a" href="#/compose" leftSection={<IconPlus size={16} aria-hidden />}>
          New run
        </Button>
      }
    >
      {loading ? (
        <Skeleton h={180} role="status" aria-label="Loading" />
      ) : (
        <Stack gap="xl">
          {!finished && <Guide steps={steps} />}
          <div className={classes.columns}>
            <section aria-labelledby="recent-title">
              <Group justify="space-between" mb="sm">
                <Title order={2} id="recent-title">
                  Recent runs
                </Title>
                {recent.length > 0 && (
                  <Anchor href="#/runs" size="sm">
                    All runs
                  </Anchor>
                )}
              </Group>
              {recent.length > 0 ? (
                <Stack gap="xs">
                  {recent.map((run) => (
                    <RecentRun key={run.id} run={run} />
                  ))}
                </Stack>
              ) : (
                <Text size="sm" c="dimmed">
                  Your runs appear here. They go on when this window is closed.
                </Text>
              )}
            </section>
            <section aria-labelledby="machine-title">
              <Group justify="space-between" mb="sm">
                <Title order={2} id="machine-title">
                  This machine
                </Title>
                <Anchor href="#/devices" size="sm">
                  Details
                </Anchor>
              </Group>
              <MachineSummary />
            </section>
          </div>
        </Stack>
      )}
    </Page>
  );
}
