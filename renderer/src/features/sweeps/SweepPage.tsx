/** A sweep: how far it is, which point is best, and every run through its settings and results. */
import { Alert, Anchor, Button, Group, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { IconPlus, IconScale, IconTrash } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { comparisonViewSchema, MAX_COMPARED } from '../../../../electron/shared/runs/comparison.ts';
import type { SweepCard } from '../../../../electron/shared/runs/sweep-record.ts';
import { href, navigate } from '../../app/route.ts';
import chartClasses from '../../charts/charts.module.css';
import { ConfirmModal } from '../../components/confirm.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatEta, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { ExploreTab } from '../compare/ExploreTab.tsx';
import { useReport } from '../compare/use-report.ts';
import { useQueue } from '../queue/use-queue.ts';
import { BestBar } from './BestBar.tsx';
import { BudgetLine } from './BudgetLine.tsx';
import { PointsTable } from './PointsTable.tsx';
import { bestPoint, pointsOf, progressOf, progressText } from './sweep-points.ts';
import { useSweeps } from './use-sweeps.ts';

const icon = { size: 16, 'aria-hidden': true } as const;
const back = { label: 'Sweeps', href: href('sweeps') };

export function SweepPage({ id }: { id: string }) {
  const sweeps = useSweeps();
  const error = useStore((s) => s.sweepsError);
  const sweep = sweeps?.find((one) => one.id === id);
  if (sweep) return <Shown sweep={sweep} />;
  return (
    <Page title="Sweep" back={back}>
      {error && <ErrorView title="The sweep could not be read" info={error} />}
      {sweeps === null && !error && <Skeleton h={200} aria-busy />}
      {sweeps !== null && <Alert color="yellow">There is no sweep {id}. It may have been removed.</Alert>}
    </Page>
  );
}

/** Those that have something to show, newest additions last; Compare takes so many at most. */
function useComparable(sweep: SweepCard): string[] {
  const key = useStore((s) =>
    sweep.runs
      .map(({ id }) => id)
      .filter((id) => s.runs?.[id] && s.runs[id].step > 0)
      .slice(0, MAX_COMPARED)
      .join(','),
  );
  return useMemo(() => key.split(',').filter(Boolean), [key]);
}

function Shown({ sweep }: { sweep: SweepCard }) {
  const runs = useStore((s) => s.runs);
  const points = useMemo(() => pointsOf(sweep, runs), [sweep, runs]);
  const comparable = useComparable(sweep);
  return (
    <Page
      title={sweep.name}
      back={back}
      description={`${plural(points.length, 'point')}, ${plural(sweep.runs.length, 'run')}`}
      actions={<Actions sweep={sweep} comparable={comparable} />}
    >
      <Stack gap="lg" className={chartClasses.colors ?? ''}>
        <SweepProgress sweep={sweep} />
        {sweep.budget && <BudgetLine id={sweep.id} budget={sweep.budget} />}
        <BestBar best={bestPoint(points)} />
        <PointsTable points={points} />
        <Explored ids={comparable} />
      </Stack>
    </Page>
  );
}

function Actions({ sweep, comparable }: { sweep: SweepCard; comparable: readonly string[] }) {
  const [asking, setAsking] = useState(false);
  const remove = useStore((s) => s.removeSweep);
  return (
    <>
      {/* A link cannot be disabled: it would be followed by keyboard, and read as one that works. */}
      {comparable.length === 0 ? (
        <Button disabled leftSection={<IconScale {...icon} />}>
          Compare
        </Button>
      ) : (
        <Button
          component="a"
          href={href('compare', { runs: comparable.join(',') })}
          leftSection={<IconScale {...icon} />}
        >
          Compare
        </Button>
      )}
      {sweep.kind === 'sweep' && (
        <Button
          component="a"
          variant="default"
          href={href('sweeps', sweep.id, 'add')}
          leftSection={<IconPlus {...icon} />}
        >
          Add points or seeds
        </Button>
      )}
      <Button variant="default" leftSection={<IconTrash {...icon} />} onClick={() => setAsking(true)}>
        Remove…
      </Button>
      <ConfirmModal
        opened={asking}
        title="Remove this sweep?"
        verb="Remove"
        onConfirm={async () => {
          if (await remove(sweep.id)) navigate(href('sweeps'));
        }}
        onClose={() => setAsking(false)}
      >
        Runs of it that wait are taken out of the queue and deleted. Those that have begun stay in Runs.
      </ConfirmModal>
    </>
  );
}

function SweepProgress({ sweep }: { sweep: SweepCard }) {
  const runs = useStore((s) => s.runs);
  const queue = useQueue();
  const progress = progressOf(sweep, runs);
  const own = queue?.items.filter((item) => item.sweep === sweep.id) ?? [];
  const waiting = own.map(({ seconds }) => seconds);
  const going = queue?.going.filter(({ id }) => sweep.runs.some((run) => run.id === id)) ?? [];
  const parts = [...waiting, ...going.map(({ etaSeconds }) => etaSeconds)];
  const known = parts.every((one) => one !== null);
  const left = parts.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return (
    <section aria-label="Progress">
      <Group justify="space-between" gap="md" mb={6}>
        <Text size="sm" role="status">
          {progressText(progress)}
        </Text>
        <Text size="sm" c="dimmed">
          {parts.length === 0
            ? null
            : known
              ? `${formatEta(left)} of training ahead`
              : 'Time ahead not known yet'}
          {own.length > 0 && (
            <>
              {' · '}
              <Anchor href={href('queue')} size="sm" underline="always">
                {queue?.settings.paused ? 'The queue is paused' : 'In the queue'}
              </Anchor>
            </>
          )}
        </Text>
      </Group>
      <Progress value={progress.share * 100} aria-label={`Progress of ${sweep.name}`} />
    </section>
  );
}

/** Parallel coordinates, scatter and importance, as in Compare. */
function Explored({ ids }: { ids: readonly string[] }) {
  const view = useMemo(() => (ids.length < 2 ? null : comparisonViewSchema.parse({ runs: ids })), [ids]);
  const { compared, complete, answer } = useReport(view);
  if (view === null) return null;
  if (answer.error)
    return <ErrorView title="The runs could not be compared" info={answer.error} onRetry={answer.again} />;
  if (!compared || !complete) return <Skeleton h={320} aria-label="Reading the runs" aria-busy />;
  return <ExploreTab compared={compared} />;
}
