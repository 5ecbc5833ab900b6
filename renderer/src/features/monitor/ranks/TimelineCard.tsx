import { ActionIcon, Button, Group, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { RunTimeline } from '../../../../../electron/shared/runs/events.ts';
import { bubbleShare } from '../../../../../electron/shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../../../../electron/shared/spec/run-spec.ts';
import { formatPercent } from '../../../charts/format.ts';
import { ErrorView } from '../../../components/ErrorView.tsx';
import { formatInteger, plural } from '../../../components/format.ts';
import rankColours from '../../devices/RankPicture.module.css';
import page from '../Monitor.module.css';
import classes from './Ranks.module.css';
import { formatMicroseconds, type TimelineRow, type TimelineSpan, timelineView } from './timeline-view.ts';
import { useTimeline } from './use-timeline.ts';

interface Props {
  readonly id: string;
  readonly spec: RunSpec;
  /** Newest step of the run. */
  readonly step: number;
}

/** When each rank computed which micro-batch: of the newest step, or of any before. */
export function TimelineCard({ id, spec, step }: Props) {
  const [wanted, setWanted] = useState<number | null>(null);
  const { timeline, error, known } = useTimeline(id, wanted, step);
  return (
    <section className={page.card} aria-label="Timeline of the pipeline">
      <Group justify="space-between" mb="xs">
        <Text size="sm" fw={600} component="h2">
          Timeline
        </Text>
        {timeline && <Steps timeline={timeline} follows={wanted === null} onChange={setWanted} />}
      </Group>
      {error && <ErrorView title="The timeline could not be read" info={error} />}
      {!timeline && known && !error && (
        <Text size="sm" c="dimmed">
          It appears after the first step.
        </Text>
      )}
      {timeline && <Timeline timeline={timeline} spec={spec} />}
    </section>
  );
}

interface StepsProps {
  readonly timeline: RunTimeline;
  readonly follows: boolean;
  readonly onChange: (step: number | null) => void;
}

function Steps({ timeline: { step, newest }, follows, onChange }: StepsProps) {
  return (
    <Group gap={4}>
      <ActionIcon
        variant="subtle"
        aria-label="Step before"
        disabled={step <= 1}
        onClick={() => onChange(step - 1)}
      >
        <IconChevronLeft size={16} aria-hidden />
      </ActionIcon>
      <Text size="sm" data-tabular role="status">
        Step {formatInteger(step)}
      </Text>
      <ActionIcon
        variant="subtle"
        aria-label="Step after"
        disabled={step >= newest}
        onClick={() => onChange(step + 1)}
      >
        <IconChevronRight size={16} aria-hidden />
      </ActionIcon>
      <Button size="compact-xs" variant="default" disabled={follows} onClick={() => onChange(null)}>
        Newest
      </Button>
    </Group>
  );
}

const TICKS = [0, 0.25, 0.5, 0.75, 1];

function Timeline({ timeline, spec }: { timeline: RunTimeline; spec: RunSpec }) {
  const { parallel, batch } = spec;
  const view = useMemo(() => timelineView(timeline, parallel), [timeline, parallel]);
  const theory = bubbleShare(parallel, batch.grad_accum_steps);
  const own = batch.grad_accum_steps;
  return (
    <div className={`${classes.timeline} ${rankColours.colors}`}>
      <ul className={classes.legend} aria-label="Colours">
        <li data-kind="forward">Forward</li>
        <li data-kind="backward">Backward</li>
        <li data-kind="gap">Waiting for other stages, adding up over copies, updating</li>
      </ul>
      <ul className={classes.rows} aria-label="Ranks">
        {view.rows.map((row) => (
          <Row key={row.rank} row={row} chunks={parallel.pipeline_chunks} />
        ))}
      </ul>
      <div className={classes.axis} aria-hidden>
        {TICKS.map((share) => (
          <span key={share} style={{ left: `${100 * share}%` }}>
            {formatMicroseconds(share * view.stepUs)}
          </span>
        ))}
      </div>
      <Text size="sm" mt="xs">
        {view.bubble === null
          ? 'No rank has computed anything in this step.'
          : parallel.pp_size === 1
            ? `With one stage there is no bubble; ranks computed ${formatPercent(1 - view.bubble)} of the time between their first and last pass.`
            : `Bubble: ${formatPercent(view.bubble)} measured, ${formatPercent(theory)} in theory: (p - 1) / (m v + p - 1) with p = ${parallel.pp_size} stages, m = ${plural(own, 'micro-batch', 'micro-batches')} of a rank and v = ${plural(parallel.pipeline_chunks, 'chunk')} a stage.`}
      </Text>
    </div>
  );
}

const rowText = ({ rank, stage, forward, backward, busyShare }: TimelineRow) =>
  `Rank ${rank}, stage ${stage}: ${forward} forward and ${backward} backward passes, computing ${formatPercent(busyShare)} of the step`;

function Row({ row, chunks }: { row: TimelineRow; chunks: number }) {
  return (
    <li className={classes.row} aria-label={rowText(row)}>
      <span className={classes.rowName} aria-hidden>
        Rank {row.rank} <small>stage {row.stage}</small>
      </span>
      <div className={classes.track} aria-hidden>
        {row.spans.map((span) => (
          <Pass key={`${span.kind}-${span.micro_batch}-${span.chunk}`} span={span} chunks={chunks} />
        ))}
      </div>
    </li>
  );
}

/** Narrower ones have no room for a number. */
const NUMBERED_PERCENT = 2;

function Pass({ span, chunks }: { span: TimelineSpan; chunks: number }) {
  const chunk = chunks > 1 ? `, chunk ${span.chunk}` : '';
  const time = `${formatMicroseconds(span.begin_us)} to ${formatMicroseconds(span.end_us)}`;
  return (
    <div
      className={classes.span}
      data-kind={span.kind}
      data-odd={span.chunk % 2 === 1 || undefined}
      style={{ left: `${span.left}%`, width: `${span.width}%` }}
      title={`${span.kind === 'forward' ? 'Forward' : 'Backward'} of micro-batch ${span.micro_batch}${chunk}: ${time}`}
    >
      {span.width >= NUMBERED_PERCENT ? span.micro_batch : ''}
    </div>
  );
}
