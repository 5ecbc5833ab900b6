/** Runs that wait for their turn: their order, what each waits for, and when all of it is through. */
import {
  Alert,
  Anchor,
  Button,
  Group,
  Progress,
  SegmentedControl,
  Skeleton,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconStack2 } from '@tabler/icons-react';
import { useState } from 'react';
import { type QueueItem, type QueueState, workAhead } from '../../../../electron/shared/runs/queue.ts';
import { href } from '../../app/route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatBytes, formatEta, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { trainedShare } from '../runs/run-view.ts';
import classes from './Queue.module.css';
import { QueueItemRow } from './QueueItemRow.tsx';
import { beforeAt, laneName } from './queue-view.ts';
import { useQueue } from './use-queue.ts';

const NOT_CHANGED = 'The queue was not changed';

export default function QueuePage() {
  const queue = useQueue();
  const error = useStore((s) => s.queueError);
  return (
    <Page
      title="Queue"
      description="Runs start one after another on each device. They go on when this window is closed."
      actions={queue && <Controls queue={queue} />}
    >
      {error && <ErrorView title="The queue could not be read" info={error} />}
      {queue === null ? !error && <Skeleton h={180} aria-busy /> : <Queue queue={queue} />}
    </Page>
  );
}

function Controls({ queue }: { queue: QueueState }) {
  const change = useStore((s) => s.changeQueue);
  const { paused, on_failure } = queue.settings;
  return (
    <>
      <Group gap="xs">
        <Text size="sm" id="queue-on-failure">
          When a run fails
        </Text>
        <SegmentedControl
          size="xs"
          aria-labelledby="queue-on-failure"
          value={on_failure}
          onChange={(value) =>
            void change('queue.set', { on_failure: value === 'pause' ? 'pause' : 'continue' }, NOT_CHANGED)
          }
          data={[
            { value: 'continue', label: 'Go on' },
            { value: 'pause', label: 'Pause' },
          ]}
        />
      </Group>
      <Button
        size="xs"
        variant={paused ? 'filled' : 'default'}
        leftSection={
          paused ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />
        }
        onClick={() => void change('queue.set', { paused: !paused }, NOT_CHANGED)}
      >
        {paused ? 'Continue' : 'Pause'}
      </Button>
    </>
  );
}

/** Time and memory of all; what waits for something else has no end that could be told, but takes its time all the same. */
function ahead({ items, totalSeconds }: QueueState): string {
  const { seconds, memoryBytes } = workAhead(items);
  const memory = memoryBytes === null ? '' : `, at most ${formatBytes(memoryBytes)} each`;
  if (totalSeconds !== null) return `All through in ${formatEta(totalSeconds)}${memory}`;
  return `${seconds === null ? 'Total time not known yet' : `${formatEta(seconds)} of training`}${memory}`;
}

function Queue({ queue }: { queue: QueueState }) {
  const { items, going, settings } = queue;
  return (
    <Stack gap="lg">
      {settings.paused && (
        <Alert color="yellow" icon={<IconPlayerPause aria-hidden />} title="The queue is paused">
          What is running goes on; nothing new is started until you continue.
        </Alert>
      )}
      {going.length > 0 && <Going going={going} />}
      {items.length === 0 ? (
        <EmptyState
          icon={IconStack2}
          title="Nothing is waiting"
          text="Set up a run and choose “Add to queue”: it starts when those before it are through, also overnight."
          action={
            <Button component="a" href={href('compose')}>
              New run
            </Button>
          }
        />
      ) : (
        <section aria-labelledby="queue-waiting">
          <Group justify="space-between" mb="xs">
            <Title order={2} size="h4" id="queue-waiting">
              {plural(items.length, 'run')} waiting
            </Title>
            <Text size="sm" c="dimmed">
              {ahead(queue)}
            </Text>
          </Group>
          <WaitingRuns items={items} paused={settings.paused} />
        </section>
      )}
    </Stack>
  );
}

function Going({ going }: { going: QueueState['going'] }) {
  const runs = useStore((s) => s.runs);
  return (
    <section aria-labelledby="queue-going">
      <Title order={2} size="h4" mb="xs" id="queue-going">
        Running now
      </Title>
      <Stack gap="xs">
        {going.map(({ id, name, lane, etaSeconds }) => {
          const status = runs?.[id];
          const share = status ? trainedShare(status) : null;
          return (
            <div key={id}>
              <Group justify="space-between" gap="md">
                <Anchor href={href('runs', id)} size="sm" fw={550}>
                  {name}
                </Anchor>
                <Text size="sm" c="dimmed">
                  {laneName(lane)}
                  {etaSeconds !== null && `, ${formatEta(etaSeconds)} left`}
                </Text>
              </Group>
              <Progress value={(share ?? 0) * 100} size="sm" mt={4} aria-label={`Progress of ${name}`} />
            </div>
          );
        })}
      </Stack>
    </section>
  );
}

function WaitingRuns({ items, paused }: { items: readonly QueueItem[]; paused: boolean }) {
  const change = useStore((s) => s.changeQueue);
  const [dragged, setDragged] = useState<string | null>(null);
  const [target, setTarget] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<QueueItem | null>(null);
  const move = (id: string, place: number) =>
    void change('queue.move', { id, before: beforeAt(items, id, place) }, NOT_CHANGED);
  const end = () => {
    setDragged(null);
    setTarget(null);
  };
  return (
    <>
      <ol className={classes.list} aria-labelledby="queue-waiting">
        {items.map((item, place) => (
          <QueueItemRow
            key={item.id}
            item={item}
            place={place}
            count={items.length}
            paused={paused}
            dragged={dragged === item.id}
            target={dragged !== null && dragged !== item.id && target === item.id}
            onMove={(to) => move(item.id, to)}
            onRemove={() => setLeaving(item)}
            drag={{
              onDragStart: (event) => {
                event.dataTransfer.effectAllowed = 'move';
                event.dataTransfer.setData('text/plain', item.name);
                setDragged(item.id);
              },
              onDragEnd: end,
              onDragOver: (event) => {
                if (dragged === null) return;
                event.preventDefault();
                setTarget(item.id);
              },
              onDrop: () => {
                if (dragged !== null && dragged !== item.id) move(dragged, place);
                end();
              },
            }}
          />
        ))}
      </ol>
      <ConfirmModal
        opened={leaving !== null}
        title="Take this run out of the queue?"
        verb="Take out"
        onConfirm={() =>
          leaving ? change('queue.remove', { id: leaving.id }, 'The run was not taken out') : undefined
        }
        onClose={() => setLeaving(null)}
      >
        {leaving?.mode === 'resume'
          ? `"${leaving.name}" stays in Runs with its checkpoints, as it was before.`
          : `"${leaving?.name}" has not begun: its settings are deleted with it.`}
      </ConfirmModal>
    </>
  );
}
