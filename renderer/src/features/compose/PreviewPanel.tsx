import {
  Alert,
  Anchor,
  Button,
  Divider,
  List,
  Skeleton,
  Stack,
  Text,
  Title,
  UnstyledButton,
} from '@mantine/core';
import {
  IconAlertTriangle,
  IconChevronUp,
  IconGridDots,
  IconPlayerPlay,
  IconStack2,
} from '@tabler/icons-react';
import { useState } from 'react';
import type { RunPreview } from '../../../../electron/shared/api/entities.ts';
import { specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { href, navigate } from '../../app/route.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Facts } from '../../components/Facts.tsx';
import { formatBytes, formatCount, formatEta, formatInteger, formatShare } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';
import classes from './Compose.module.css';
import { MemoryBar } from './MemoryBar.tsx';
import { BesideLiveRuns, PushedBack, TimeForecast } from './TimeForecast.tsx';
import { useReadiness } from './use-readiness.ts';

/** What will run, whether it fits, and the button that starts it. Follows the form as it changes. */
export function PreviewPanel({ onGoTo }: { onGoTo: (path: string) => void }) {
  const preview = useStore((s) => s.preview);
  const validation = useStore((s) => s.validation);
  const error = useStore((s) => s.validationError);
  const retry = useStore((s) => s.validateDraft);
  /** In a narrow window the panel is a bar at its foot, and this the rest of it. */
  const [open, setOpen] = useState(false);
  return (
    <aside className={classes.panel} aria-label="Summary" data-open={open || undefined}>
      <UnstyledButton
        className={classes.panelToggle ?? ''}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <IconChevronUp size={16} aria-hidden className={classes.panelChevron ?? ''} />
        Summary
        {preview && (
          <Text span size="xs" c="dimmed" inherit={false}>
            {formatBytes(preview.memory.totalBytes)}
            {preview.time.seconds !== null && `, ${formatEta(preview.time.seconds)}`}
          </Text>
        )}
      </UnstyledButton>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className={classes.panelBody} aria-label="Forecast" tabIndex={0}>
        <Title order={2} mb="md">
          Summary
        </Title>
        {error && (
          <ErrorView title="The settings could not be checked" info={error} onRetry={() => void retry()} />
        )}
        {preview ? (
          <Stack
            gap="md"
            style={{ opacity: validation === 'checking' ? 0.6 : 1 }}
            aria-busy={validation === 'checking'}
          >
            <Forecast preview={preview} />
          </Stack>
        ) : (
          validation === 'checking' && !error && <Skeleton h={180} aria-busy />
        )}
        {!preview && validation === 'current' && (
          <Text size="sm" c="dimmed">
            Steps, parameters and memory appear here once the settings hold together.
          </Text>
        )}
      </section>
      <div className={classes.panelFoot}>
        <StartButton onGoTo={onGoTo} />
      </div>
    </aside>
  );
}

/** What the method costs besides memory. */
function Cost({ preview }: { preview: RunPreview }) {
  const { trainableParams, totalParams, adapterBytes } = preview;
  const share = totalParams > 0 ? trainableParams / totalParams : 0;
  return (
    <Facts
      facts={[
        [
          'Trainable parameters',
          <span key="trainable" title={formatInteger(trainableParams)}>
            {formatCount(trainableParams)} ({formatShare(share)})
          </span>,
        ],
        ['Adapter on disk', adapterBytes > 0 ? formatBytes(adapterBytes) : 'None: the model itself'],
      ]}
    />
  );
}

/** The forecast is of the fullest device; the ranks on a CPU share its memory. */
function memoryTitle({ worldSize }: RunPreview['layout'], device: unknown): string {
  if (worldSize === 1) return 'Memory';
  return device === 'cuda' ? 'Memory of the fullest GPU' : 'Memory of all ranks';
}

function Forecast({ preview }: { preview: RunPreview }) {
  const device = useStore((s) => specValue(s.draft, 'device'));
  return (
    <>
      <Cost preview={preview} />
      <MemoryBar memory={preview.memory} title={memoryTitle(preview.layout, device)} />
      <TimeForecast time={preview.time} />
      <BesideLiveRuns beside={preview.beside} device={device} />
      <PushedBack device={device} />
      {preview.warnings.length > 0 && (
        <Alert color="yellow" p="sm" icon={<IconAlertTriangle aria-hidden />} title="Worth a look">
          <List size="sm" spacing={4} withPadding={false}>
            {preview.warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Divider />
      <Stack gap={4}>
        {preview.summary.map((sentence) => (
          <Text key={sentence} size="sm">
            {sentence}
          </Text>
        ))}
      </Stack>
      <Facts
        facts={[
          ['Steps', preview.totalSteps === null ? 'Known at the start' : formatInteger(preview.totalSteps)],
          [
            'Steps per epoch',
            preview.stepsPerEpoch === null ? 'Known at the start' : formatInteger(preview.stepsPerEpoch),
          ],
          ['Training rows', formatInteger(preview.trainRows)],
          ['Held-out rows', formatInteger(preview.evalRows)],
          [
            'Global batch',
            `${formatInteger(preview.globalBatch.sequences)} sequences, at most ${formatInteger(preview.globalBatch.tokens)} tokens`,
          ],
        ]}
      />
    </>
  );
}

function StartButton({ onGoTo }: { onGoTo: (path: string) => void }) {
  const reasons = useReadiness();
  const starting = useStore((s) => s.starting);
  const start = useStore((s) => s.startDraft);
  const waiting = useStore((s) => s.validation === 'checking');
  const queue = useStore((s) => s.queueDraft);
  const announce = useStore((s) => s.announce);
  async function go() {
    const id = await start();
    if (id) navigate(href('runs', id));
  }
  async function later() {
    if ((await queue()) === null) return;
    announce('info', 'Added to the queue');
    navigate(href('queue'));
  }
  const off = reasons.length > 0 || waiting;
  return (
    <Stack gap="xs">
      <Button
        size="md"
        fullWidth
        leftSection={<IconPlayerPlay size={18} aria-hidden />}
        loading={starting}
        disabled={off}
        aria-describedby="start-reasons"
        onClick={() => void go()}
      >
        Start run
      </Button>
      <Button
        variant="default"
        fullWidth
        leftSection={<IconStack2 size={18} aria-hidden />}
        disabled={off || starting}
        onClick={() => void later()}
      >
        Add to queue
      </Button>
      <Button
        component="a"
        href={href('sweeps', 'new')}
        variant="subtle"
        size="compact-sm"
        leftSection={<IconGridDots size={16} aria-hidden />}
      >
        Sweep some of these settings…
      </Button>
      <div id="start-reasons" role="status" style={{ minHeight: 20 }}>
        {reasons.length > 0 && (
          <Stack gap={4}>
            <Text size="xs" fw={550}>
              Before it can start:
            </Text>
            <List size="xs" spacing={2}>
              {reasons.map((reason) => (
                <List.Item key={reason.text}>
                  {reason.path === null ? (
                    reason.text
                  ) : (
                    <Anchor
                      component="button"
                      type="button"
                      size="xs"
                      ta="left"
                      mih={24}
                      style={{ verticalAlign: 'top' }}
                      onClick={() => onGoTo(reason.path ?? '')}
                    >
                      {reason.text}
                    </Anchor>
                  )}
                </List.Item>
              ))}
            </List>
          </Stack>
        )}
        {reasons.length === 0 && waiting && (
          <Text size="xs" c="dimmed">
            Checking the settings…
          </Text>
        )}
      </div>
    </Stack>
  );
}
