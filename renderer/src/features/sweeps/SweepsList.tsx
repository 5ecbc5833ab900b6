/** All sweeps with how far each is and the best it has found. */
import { Anchor, Badge, Button, Group, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { IconGridDots, IconPlus } from '@tabler/icons-react';
import type { SweepCard } from '../../../../electron/shared/runs/sweep-record.ts';
import { href } from '../../app/route.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatAgo, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { pointName } from './point-name.ts';
import classes from './Sweeps.module.css';
import { bestPoint, pointsOf, progressOf, progressText } from './sweep-points.ts';
import { useSweeps } from './use-sweeps.ts';

export function SweepsList() {
  const sweeps = useSweeps()?.filter(({ kind }) => kind === 'sweep') ?? null;
  const error = useStore((s) => s.sweepsError);
  const reload = useStore((s) => s.loadSweeps);
  const make = (
    <Button component="a" href={href('sweeps', 'new')} leftSection={<IconPlus size={16} aria-hidden />}>
      New sweep
    </Button>
  );
  return (
    <Page
      title="Sweeps"
      description="Many runs of the same settings with other values of some, queued and compared together."
      actions={make}
    >
      {error && <ErrorView title="The sweeps could not be read" info={error} onRetry={() => void reload()} />}
      {sweeps === null && !error && <Skeleton h={120} aria-busy />}
      {sweeps?.length === 0 && (
        <EmptyState
          icon={IconGridDots}
          title="No sweeps yet"
          text="A sweep trains the settings of New run with several learning rates, ranks or anything else, each with several seeds, and says which is best."
          action={make}
        />
      )}
      {sweeps !== null && sweeps.length > 0 && (
        <ul className={classes.cards} aria-label="Sweeps">
          {sweeps.map((sweep) => (
            <Card key={sweep.id} sweep={sweep} />
          ))}
        </ul>
      )}
    </Page>
  );
}

function Card({ sweep }: { sweep: SweepCard }) {
  const runs = useStore((s) => s.runs);
  const points = pointsOf(sweep, runs);
  const progress = progressOf(sweep, runs);
  const best = bestPoint(points);
  return (
    <li className={classes.card}>
      <Group justify="space-between" gap="md" align="baseline">
        <Anchor href={href('sweeps', sweep.id)} fw={600}>
          {sweep.name}
        </Anchor>
        <Text size="xs" c="dimmed">
          {formatAgo(sweep.createdAt)}
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {plural(points.length, 'point')}, {plural(sweep.runs.length, 'run')}: {progressText(progress)}
      </Text>
      <Progress value={progress.share * 100} size="sm" my={6} aria-label={`Progress of ${sweep.name}`} />
      <Stack gap={2}>
        <Text size="sm">
          {best === null || best.mean === null ? (
            'Nothing measured yet'
          ) : (
            <>
              <Badge component="span" variant="light" size="sm" mr={6}>
                {best.done ? 'Best' : 'Best so far'}
              </Badge>
              {pointName(best.values)}, loss {best.mean.toFixed(4)}
            </>
          )}
        </Text>
      </Stack>
    </li>
  );
}
