import { Group, Progress, Text } from '@mantine/core';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { href } from '../../app/route.ts';
import { formatDuration, formatEta, formatPercent, formatValue, formatWhen } from '../../charts/format.ts';
import tile from '../../components/tile.module.css';
import { RunStateBadge } from '../runs/RunStateBadge.tsx';
import { isLive, runSeconds, trainedShare } from '../runs/run-view.ts';

/** One run in two lines; the whole tile opens it. */
export function RecentRun({ run }: { run: RunStatus }) {
  const live = isLive(run.state);
  const share = trainedShare(run);
  const facts = [
    run.lastEvalLoss !== null
      ? `eval loss ${formatValue(run.lastEvalLoss)}`
      : run.lastLoss !== null
        ? `loss ${formatValue(run.lastLoss)}`
        : '',
    live && share !== null ? `${formatPercent(share)}, ${formatEta(run.etaSeconds)} left` : '',
    live ? (share === null ? run.phase : '') : formatDuration(runSeconds(run, Date.now())),
    formatWhen(run.startedAt ?? run.createdAt),
  ].filter(Boolean);
  return (
    <article className={tile.tile}>
      <Group justify="space-between" wrap="nowrap" gap="md">
        <a className={tile.link} href={href('runs', run.id)}>
          {run.name}
        </a>
        <RunStateBadge state={run.state} />
      </Group>
      {live && (
        <Progress size="sm" my={6} value={(share ?? 0) * 100} aria-label={`Progress of ${run.name}`} />
      )}
      <Text size="xs" c="dimmed">
        {facts.join(' · ')}
      </Text>
    </article>
  );
}
