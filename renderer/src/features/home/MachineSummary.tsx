import { Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCpu, IconDeviceDesktopAnalytics } from '@tabler/icons-react';
import type { Device } from '../../../../electron/shared/api/entities.ts';
import { formatBytes } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import tile from '../../components/tile.module.css';
import { useStore } from '../../store/context.tsx';
import classes from './Home.module.css';

/** Devices in a line each, and whether training is possible at all. */
export function MachineSummary() {
  const system = useStore((s) => s.system);
  const error = useStore((s) => s.systemError);
  const load = useStore((s) => s.loadSystem);
  if (!system)
    return error ? (
      <ErrorView info={error} title="The host did not answer" onRetry={() => void load()} />
    ) : (
      <Skeleton h={120} />
    );
  const { engine } = system;
  return (
    <Stack gap="sm" className={tile.panel ?? ''}>
      {system.devices.map((device) => (
        <div key={`${device.kind}${device.index}`} className={classes.device}>
          {device.kind === 'cpu' ? (
            <IconCpu size={20} stroke={1.6} aria-hidden />
          ) : (
            <IconDeviceDesktopAnalytics size={20} stroke={1.6} aria-hidden />
          )}
          <div>
            <Text size="sm" fw={550}>
              {device.name}
            </Text>
            <Text size="xs" c="dimmed">
              {deviceLine(device)}
            </Text>
          </div>
        </div>
      ))}
      {engine.problem ? (
        <ErrorView info={engine.problem} title="Training is not possible yet" />
      ) : engine.built ? null : (
        <div className={classes.device}>
          <IconAlertTriangle size={20} color="var(--collie-warn)" aria-hidden />
          <Text size="sm">
            The training engine is not built. Run `npm run quickstart` in the folder of the workbench.
          </Text>
        </div>
      )}
      <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        Library: {system.home}
      </Text>
    </Stack>
  );
}

export function deviceLine({ kind, units, memoryTotalBytes, features }: Device): string {
  const parts = [
    units === null ? '' : `${units} ${kind === 'cpu' ? 'cores' : 'multiprocessors'}`,
    `${formatBytes(memoryTotalBytes)} memory`,
    features.join(', '),
  ];
  return parts.filter(Boolean).join(' · ');
}
