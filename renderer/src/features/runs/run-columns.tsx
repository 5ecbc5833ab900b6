/** Columns of the run list: some of the run, and any setting of the spec. */
import { Badge } from '@mantine/core';
import { IconBellRinging } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { alarmTitle } from '../../../../electron/shared/runs/alarms/registry.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { type SpecField, specFields, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { href } from '../../app/route.ts';
import {
  formatCount,
  formatDuration,
  formatEta,
  formatPercent,
  formatValue,
  formatWhen,
} from '../../charts/format.ts';
import { Sparkline } from '../../charts/Sparkline.tsx';
import { Swatch } from '../../charts/Swatch.tsx';
import { useStore } from '../../store/context.tsx';
import { written } from '../monitor/settings-rows.ts';
import { RunStateBadge } from './RunStateBadge.tsx';
import classes from './Runs.module.css';
import { lookOfRun } from './run-looks.ts';
import type { RunRow } from './run-rows.ts';
import { isLive, runSeconds, trainedShare } from './run-view.ts';
import { useNow } from './use-now.ts';

export interface RunColumn {
  id: string;
  title: string;
  /** Pixels. */
  width: number;
  numeric?: boolean;
  /** What is in it never fills the width: it is not clipped. */
  fits?: boolean;
  /** Sorted falling at the first press. */
  highFirst?: boolean;
  /** What it is sorted by; absent: it is not. */
  value?: (row: RunRow) => string | number | null;
  cell: (row: RunRow) => ReactNode;
}

const text = (id: string, title: string, width: number, value: (row: RunRow) => string): RunColumn => ({
  id,
  title,
  width,
  value,
  cell: value,
});

const number = (
  id: string,
  title: string,
  value: (row: RunRow) => number | null,
  format: (value: number | null) => string,
  highFirst = false,
): RunColumn => ({
  id,
  title,
  width: 96,
  numeric: true,
  fits: true,
  highFirst,
  value,
  cell: (row) => format(value(row)),
});

const ofRun: readonly RunColumn[] = [
  {
    id: 'name',
    title: 'Run',
    width: 250,
    value: (row) => row.name,
    cell: ({ run }) => (
      <a className={classes.name} href={href('runs', run.id)} title={run.name}>
        <Swatch line={lookOfRun(run.id)} /> {run.name}
      </a>
    ),
  },
  {
    id: 'state',
    title: 'Status',
    width: 250,
    value: ({ run }) => run.state,
    cell: ({ run }) => <StateCell run={run} />,
  },
  { id: 'curve', title: 'Curve', width: 110, fits: true, cell: ({ run }) => <CurveCell id={run.id} /> },
  text('model', 'Model', 150, (row) => row.model),
  text('dataset', 'Dataset', 150, (row) => row.dataset),
  text('method', 'Method', 110, (row) => row.method),
  number('loss', 'Loss', ({ run }) => run.lastLoss, formatValue),
  number('evalLoss', 'Eval loss', ({ run }) => run.lastEvalLoss, formatValue),
  number('speed', 'Tokens/s', ({ run }) => run.tokensPerSecond, formatCount, true),
  number('step', 'Step', ({ run }) => run.step, formatCount, true),
  {
    id: 'started',
    title: 'Started',
    width: 130,
    highFirst: true,
    value: ({ run }) => run.startedAt ?? run.createdAt,
    cell: ({ run }) => formatWhen(run.startedAt ?? run.createdAt),
  },
  {
    id: 'duration',
    title: 'Duration',
    width: 110,
    numeric: true,
    fits: true,
    highFirst: true,
    value: ({ run }) => runSeconds(run, Date.now()),
    cell: ({ run }) => <Duration run={run} />,
  },
  {
    id: 'tags',
    title: 'Tags',
    width: 160,
    value: (row) => row.tags.join(' '),
    cell: ({ tags }) =>
      tags.map((tag) => (
        <Badge key={tag} variant="default" size="sm" tt="none" mr={4} fw={500}>
          {tag}
        </Badge>
      )),
  },
];

export const defaultColumns: readonly string[] = ofRun.map(({ id }) => id).filter((id) => id !== 'step');

/** Column of a setting: its path in the spec. */
const settingId = (path: string) => `spec.${path}`;

function settingColumn(field: SpecField): RunColumn {
  const value = ({ summary }: RunRow) => {
    const raw = summary && specValue(summary.spec, field.path);
    if (raw === null || raw === undefined) return null;
    return typeof raw === 'number' || typeof raw === 'string' ? raw : JSON.stringify(raw);
  };
  return {
    id: settingId(field.path),
    title: field.meta.title || field.key,
    width: 130,
    numeric: field.kind === 'number' || field.kind === 'integer',
    value,
    cell: ({ summary }) => {
      const raw = summary ? specValue(summary.spec, field.path) : undefined;
      return raw === undefined ? '' : written(raw, field);
    },
  };
}

let made: readonly RunColumn[] | null = null;

/** All that there are, those of the run first. A setting that several variants have (the learning rate) is one column. */
export function allColumns(): readonly RunColumn[] {
  if (made) return made;
  const settings = new Map<string, RunColumn>();
  for (const field of specFields()) {
    const column = settingColumn(field);
    if (!settings.has(column.id)) settings.set(column.id, column);
  }
  made = [...ofRun, ...settings.values()];
  return made;
}

/** Those that were chosen, in the order of all; the name is always there. */
export function shownColumns(chosen: readonly string[]): RunColumn[] {
  return allColumns().filter(({ id }) => id === 'name' || chosen.includes(id));
}

const KEY = 'collie.runs.columns';

/** Anything unreadable counts as not chosen. */
export function loadColumns(storage: Pick<Storage, 'getItem'> | undefined): readonly string[] {
  try {
    const saved: unknown = JSON.parse(storage?.getItem(KEY) ?? 'null');
    return Array.isArray(saved) ? saved.filter((id): id is string => typeof id === 'string') : defaultColumns;
  } catch {
    return defaultColumns;
  }
}

export function saveColumns(storage: Pick<Storage, 'setItem'> | undefined, chosen: readonly string[]): void {
  try {
    storage?.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // A full or forbidden storage costs only the memory of this choice.
  }
}

function StateCell({ run }: { run: RunStatus }) {
  const share = trainedShare(run);
  const live = isLive(run.state);
  const note =
    live &&
    (share === null
      ? `${run.phase}${run.phaseProgress === null ? '' : ` ${formatPercent(run.phaseProgress)}`}`
      : `${formatPercent(share)}, ${formatEta(run.etaSeconds)} left`);
  const failure = run.state === 'failed' ? run.error?.message : undefined;
  return (
    <div className={classes.state}>
      <RunStateBadge state={run.state} />
      <AlarmMark alarms={run.alarms} />
      {live && <span className={classes.note}>{note}</span>}
      {failure && (
        <span className={classes.note} data-bad title={failure}>
          {failure}
        </span>
      )}
    </div>
  );
}

/** The newest alarm, as a mark that says it. */
function AlarmMark({ alarms }: Pick<RunStatus, 'alarms'>) {
  const newest = alarms.at(-1);
  if (!newest) return null;
  const text = `${alarmTitle(newest.kind)} at step ${newest.step}: ${newest.message}`;
  return (
    <span className={classes.alarm} role="img" aria-label={text} title={text}>
      <IconBellRinging size={14} aria-hidden />
    </span>
  );
}

function Duration({ run }: { run: RunStatus }) {
  const now = useNow(isLive(run.state));
  return formatDuration(runSeconds(run, now));
}

function CurveCell({ id }: { id: string }) {
  const losses = useStore((s) => s.runSparklines[id]);
  if (!losses || losses.length < 2) return null;
  const low = Math.min(...losses);
  const range = Math.max(...losses) - low || 1;
  const values = losses.map((loss) => (loss - low) / range);
  return <Sparkline values={values} max={1} width={90} height={20} color={lookOfRun(id).color} />;
}
