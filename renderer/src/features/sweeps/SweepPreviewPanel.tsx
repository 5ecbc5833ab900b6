/** Every point before anything is queued: how many runs, how long, how much memory, and what is wrong with which. */
import { Alert, Button, Checkbox, Loader, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertTriangle, IconStack2 } from '@tabler/icons-react';
import { useState } from 'react';
import type { SweepInput } from '../../../../electron/shared/spec/sweep.ts';
import type { SweepPreview } from '../../../../electron/shared/spec/sweep-preview.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Facts } from '../../components/Facts.tsx';
import { formatBytes, formatEta, formatInteger, plural } from '../../components/format.ts';
import { useAnswer } from '../compare/use-answer.ts';
import { PreviewTable } from './PreviewTable.tsx';
import classes from './Sweeps.module.css';

interface Props {
  readonly asked: { sweep: SweepInput } | { todo: string };
  readonly of: string | null;
  /** A sweep that is there has other rules now, whether or not it gets new runs. */
  readonly changed: boolean;
  readonly onQueue: (sweep: unknown, leaveOut: boolean) => Promise<void>;
}

/** Milliseconds after the last change. */
const PATIENCE = 400;

export function SweepPreviewPanel({ asked, of, changed, onQueue }: Props) {
  const sweep = 'sweep' in asked ? asked.sweep : null;
  const [text] = useDebouncedValue(sweep === null ? null : JSON.stringify(sweep), PATIENCE);
  const current = sweep !== null && text === JSON.stringify(sweep);
  const { data, error, waiting, again } = useAnswer(
    'sweeps.preview',
    text === null ? null : { sweep: JSON.parse(text), of },
  );
  const [leaveOut, setLeaveOut] = useState(false);
  const [busy, setBusy] = useState(false);
  const wrong = data?.points.filter(({ issues }) => issues.length > 0).length ?? 0;
  const known = current && !waiting && !error && data !== null;
  const amends = known && of !== null && changed && data.points.length === 0;
  const ready = amends || (known && data.runs > 0 && (wrong === 0 || leaveOut));
  async function queue() {
    setBusy(true);
    await onQueue(sweep, leaveOut);
    setBusy(false);
  }
  return (
    <aside className={classes.preview} aria-label="Points">
      <Title order={2} size="h4" mb="xs">
        Points{' '}
        {(waiting || (sweep !== null && !current)) && <Loader size={14} aria-label="Checking the points" />}
      </Title>
      {'todo' in asked && (
        <Text size="sm" c="dimmed" role="status">
          {asked.todo}
        </Text>
      )}
      {sweep !== null && error && <ErrorView title="This sweep cannot be run" info={error} onRetry={again} />}
      {sweep !== null && data && !error && <Found preview={data} wrong={wrong} extending={of !== null} />}
      <Stack gap="xs" mt="md">
        {wrong > 0 && !error && (
          <Checkbox
            label={`Leave out ${wrong === 1 ? 'the point' : `the ${wrong} points`} that cannot be run`}
            checked={leaveOut}
            onChange={(event) => setLeaveOut(event.currentTarget.checked)}
          />
        )}
        <Button
          leftSection={<IconStack2 size={18} aria-hidden />}
          disabled={!ready}
          loading={busy}
          onClick={() => void queue()}
        >
          {amends
            ? 'Change the sweep'
            : data && data.runs > 0 && !error
              ? `Queue all ${plural(data.runs, 'run')}`
              : 'Queue all'}
        </Button>
      </Stack>
    </aside>
  );
}

function Found({ preview, wrong, extending }: { preview: SweepPreview; wrong: number; extending: boolean }) {
  const { points, runs, duplicates, excluded, present, totalSeconds, mostMemoryBytes } = preview;
  const notes = [
    ...(duplicates > 0 ? [`${plural(duplicates, 'point')} twice the same: counted once`] : []),
    ...(excluded > 0 ? [`${plural(excluded, 'point')} left out by constraints`] : []),
    ...(present > 0 ? [`${plural(present, 'run')} there already`] : []),
  ];
  return (
    <Stack gap="sm">
      <Facts
        facts={[
          [extending ? 'New points' : 'Points', formatInteger(points.length)],
          [extending ? 'New runs' : 'Runs', formatInteger(runs)],
          [
            'One after another',
            runs === 0 ? '–' : totalSeconds === null ? 'Not known yet' : formatEta(totalSeconds),
          ],
          [
            'Most memory at once',
            runs === 0 ? '–' : mostMemoryBytes === null ? 'Not known' : formatBytes(mostMemoryBytes),
          ],
        ]}
      />
      {notes.map((note) => (
        <Text key={note} size="sm" c="dimmed">
          {note}
        </Text>
      ))}
      {wrong > 0 && (
        <Alert color="yellow" p="sm" icon={<IconAlertTriangle aria-hidden />}>
          {plural(wrong, 'point')} cannot be run: the table says why.
        </Alert>
      )}
      {points.length > 0 && <PreviewTable points={points} />}
    </Stack>
  );
}
