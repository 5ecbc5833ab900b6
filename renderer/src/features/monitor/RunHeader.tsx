/** How far a run is, and what can be done to it. */
import { Anchor, Button, Group, Progress, Text } from '@mantine/core';
import {
  IconCopy,
  IconDeviceFloppy,
  IconMessages,
  IconPackageExport,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconReportAnalytics,
} from '@tabler/icons-react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { href } from '../../app/route.ts';
import { formatDuration, formatEta, formatPercent } from '../../charts/format.ts';
import { formatInteger } from '../../components/format.ts';
import { Hint } from '../../components/Hint.tsx';
import { runRequestTexts } from '../runs/run-requests.ts';
import { allowedActions, isLive, onlyEvaluates, runSeconds, trainedShare } from '../runs/run-view.ts';
import { useNow } from '../runs/use-now.ts';
import type { RunCommands } from '../runs/use-run-commands.tsx';
import classes from './Monitor.module.css';
import { WhileItTrains } from './WhileItTrains.tsx';

const icon = { size: 16, 'aria-hidden': true } as const;

const requestIcons = { save: IconDeviceFloppy, pause: IconPlayerPause, continue: IconPlayerPlay };

function RequestButton(props: { run: RunStatus; request: keyof typeof requestIcons; commands: RunCommands }) {
  const { run, request, commands } = props;
  const { title, help } = runRequestTexts[request];
  const RequestIcon = requestIcons[request];
  return (
    <Hint label={help}>
      <Button
        size="xs"
        variant={request === 'continue' ? 'filled' : 'default'}
        leftSection={<RequestIcon {...icon} />}
        onClick={() => commands.request(run, request)}
      >
        {title}
      </Button>
    </Hint>
  );
}

export function RunButtons({ run, commands }: { run: RunStatus; commands: RunCommands }) {
  const allowed = allowedActions(run);
  return (
    <>
      {allowed.has('resume') && (
        <Button size="xs" leftSection={<IconPlayerPlay {...icon} />} onClick={() => commands.resume(run)}>
          {run.checkpoint === null ? 'Start again' : 'Resume'}
        </Button>
      )}
      {allowed.has('save') && <RequestButton run={run} request="save" commands={commands} />}
      {allowed.has('continue') && <RequestButton run={run} request="continue" commands={commands} />}
      {allowed.has('pause') && <RequestButton run={run} request="pause" commands={commands} />}
      {allowed.has('save') && <WhileItTrains run={run} commands={commands} />}
      {isLive(run.state) && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerStop {...icon} />}
          disabled={!allowed.has('stop')}
          onClick={() => commands.stop(run)}
        >
          Stop…
        </Button>
      )}
      {!onlyEvaluates(run) && <CheckpointButtons run={run} commands={commands} />}
    </>
  );
}

/** What is done with what a training has made, and with its settings. */
function CheckpointButtons({ run, commands }: { run: RunStatus; commands: RunCommands }) {
  const allowed = allowedActions(run);
  const without = allowed.has('export') ? '' : 'There is no checkpoint yet';
  return (
    <>
      <Hint label={without} disabled={without === ''}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPackageExport {...icon} />}
          disabled={!allowed.has('export')}
          onClick={() => commands.exportFrom(run)}
        >
          Export…
        </Button>
      </Hint>
      <Hint label={without || 'Measures a checkpoint on sets that you choose; a run of its own'}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconReportAnalytics {...icon} />}
          disabled={!allowed.has('evaluate')}
          onClick={() => commands.evaluate(run)}
        >
          Evaluate…
        </Button>
      </Hint>
      <Hint label={without || 'Chat with the base and the tuned model side by side'}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconMessages {...icon} />}
          disabled={!allowed.has('chat')}
          onClick={() => commands.chat(run)}
        >
          Playground
        </Button>
      </Hint>
      <Hint label="Opens New run with the settings of this one">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconCopy {...icon} />}
          onClick={() => commands.reuse(run)}
        >
          Duplicate…
        </Button>
      </Hint>
    </>
  );
}

/** Bar with step n of N, time used and time left. Before the first step: progress of the phase. */
export function RunProgress({ run }: { run: RunStatus }) {
  const now = useNow(isLive(run.state));
  const share = onlyEvaluates(run) ? run.phaseProgress : trainedShare(run);
  const before = run.state === 'preparing' || run.state === 'starting';
  const shown = before ? run.phaseProgress : share;
  if (run.state === 'queued') return <InQueue />;
  const evaluating = (isLive(run.state) && run.phase) || 'Evaluation';
  const steps = onlyEvaluates(run)
    ? evaluating
    : run.totalSteps === null
      ? `Step ${formatInteger(run.step)}`
      : `Step ${formatInteger(run.step)} of ${formatInteger(run.totalSteps)}`;
  return (
    <div className={classes.progress}>
      <Progress
        size="lg"
        value={(shown ?? (before ? 1 : 0)) * 100}
        animated={before && shown === null}
        striped={before && shown === null}
        color={barColor(run)}
        transitionDuration={200}
        aria-label={before ? run.phase : onlyEvaluates(run) ? 'Evaluation' : 'Training'}
      />
      <Group justify="space-between" mt={6} gap="lg">
        <Text size="sm">
          {before ? run.phase : steps}
          {shown !== null && (
            <Text span c="dimmed">
              {' '}
              ({formatPercent(shown)})
            </Text>
          )}
          {!before && isLive(run.state) && run.phase && !onlyEvaluates(run) && (
            <Text span c="dimmed">
              {' '}
              {run.phase}
              {run.phaseProgress === null ? '' : ` ${formatPercent(run.phaseProgress)}`}
            </Text>
          )}
        </Text>
        <Text size="sm" c="dimmed">
          {run.startedAt !== null && <>{formatDuration(runSeconds(run, now))} elapsed</>}
          {isLive(run.state) && run.etaSeconds !== null && <>, {formatEta(run.etaSeconds)} left</>}
        </Text>
      </Group>
    </div>
  );
}

const InQueue = () => (
  <Text size="sm">
    It waits for its turn in the{' '}
    <Anchor href={href('queue')} size="sm" underline="always">
      queue
    </Anchor>
    .
  </Text>
);

function barColor({ state }: RunStatus): string {
  if (state === 'failed') return 'red';
  return state === 'completed' ? 'teal' : state === 'stopped' ? 'gray' : 'collie';
}
