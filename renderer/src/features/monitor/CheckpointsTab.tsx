import { Badge, Button, Group, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { IconDeviceFloppy, IconMessages, IconPackageExport, IconReportAnalytics } from '@tabler/icons-react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { metricInfo } from '../../../../electron/shared/runs/metrics.ts';
import type { CheckpointPoint } from '../../../../electron/shared/runs/series.ts';
import { href } from '../../app/route.ts';
import { formatBytes, formatMetric } from '../../charts/format.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { formatDate, formatInteger, plural } from '../../components/format.ts';
import { OpenFolderButton } from '../../components/OpenFolderButton.tsx';
import type { RunDetail } from '../../store/runs.ts';
import { CopyField } from '../export/CopyField.tsx';
import { targetKey } from '../playground/targets.ts';
import { checkpointMarks, newestFirst } from '../runs/CheckpointSelect.tsx';
import type { RunCommands } from '../runs/use-run-commands.tsx';

interface Props {
  run: RunStatus;
  detail: RunDetail;
  /** When each was saved, from the events. */
  saved: readonly CheckpointPoint[];
  commands: RunCommands;
}

export function CheckpointsTab({ run, detail, saved, commands }: Props) {
  const checkpoints = newestFirst(detail);
  if (checkpoints.length === 0)
    return (
      <EmptyState
        icon={IconDeviceFloppy}
        title="No checkpoint yet"
        text='One is saved at the interval of the run, when it is stopped, at its end, and when you press "Save now".'
      />
    );
  const bytes = checkpoints.reduce((sum, c) => sum + c.sizeBytes, 0);
  const { best_by: bestBy, keep, keep_best: keepBest } = detail.spec.checkpoint;
  const judged = bestBy === null ? null : metricInfo(bestBy.split('/')[1] ?? '');
  return (
    <Stack gap="md">
      <Table verticalSpacing="xs" aria-label="Checkpoints">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Step</Table.Th>
            <Table.Th>Saved</Table.Th>
            <Table.Th>Size</Table.Th>
            {judged && <Table.Th>{judged.title}</Table.Th>}
            <Table.Th>
              <VisuallyHidden>Actions</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {checkpoints.map((checkpoint, i) => {
            const at = saved.find((s) => s.name === checkpoint.name)?.timeUs;
            return (
              <Table.Tr key={checkpoint.name}>
                <Table.Td>
                  <Group gap="xs">
                    {formatInteger(checkpoint.step)}
                    {checkpointMarks(checkpoint, i).map((mark) => (
                      <Badge
                        key={mark}
                        size="sm"
                        variant="light"
                        {...(mark === 'newest' && { color: 'gray' })}
                        tt="none"
                      >
                        {mark}
                      </Badge>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>{at === undefined ? '–' : formatDate(new Date(at / 1000).toISOString())}</Table.Td>
                <Table.Td>{formatBytes(checkpoint.sizeBytes)}</Table.Td>
                {judged && (
                  <Table.Td>
                    {checkpoint.best === null ? '–' : formatMetric(judged, checkpoint.best.value)}
                  </Table.Td>
                )}
                <Table.Td>
                  <Group gap="xs" justify="flex-end">
                    <Button
                      size="xs"
                      variant="default"
                      leftSection={<IconPackageExport size={14} aria-hidden />}
                      aria-label={`Export… step ${checkpoint.step}`}
                      onClick={() => commands.exportFrom(run, checkpoint.name)}
                    >
                      Export…
                    </Button>
                    <Button
                      size="xs"
                      variant="default"
                      leftSection={<IconReportAnalytics size={14} aria-hidden />}
                      aria-label={`Evaluate… step ${checkpoint.step}`}
                      onClick={() => commands.evaluate(run, checkpoint.name)}
                    >
                      Evaluate…
                    </Button>
                    <Button
                      size="xs"
                      variant="default"
                      component="a"
                      href={href('playground', {
                        run: targetKey({ runId: run.id, checkpoint: checkpoint.name }),
                      })}
                      leftSection={<IconMessages size={14} aria-hidden />}
                      aria-label={`Playground: step ${checkpoint.step}`}
                    >
                      Playground
                    </Button>
                  </Group>
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed">
        {plural(checkpoints.length, 'checkpoint')}, {formatBytes(bytes)}. The newest {formatInteger(keep)}
        {judged && ` and the best ${formatInteger(keepBest)} by ${bestBy}`} are kept.
      </Text>
      <CopyField label="the folder of the checkpoints" text={`${detail.path}/checkpoints`} />
      <Group>
        <OpenFolderButton path={`${detail.path}/checkpoints`} />
      </Group>
    </Stack>
  );
}
