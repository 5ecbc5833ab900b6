import { Badge, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Device, Telemetry } from '../../../../electron/shared/api/entities.ts';
import { formatBytes, formatPercent } from '../../charts/format.ts';
import { DevicePicture } from './DevicePicture.tsx';
import classes from './Devices.module.css';
import { MemoryBar, Meter } from './Meter.tsx';
import { gpuSeries } from './telemetry-history.ts';

interface Props {
  device: Device;
  history: readonly Telemetry[];
}

/** Above these the scale of a sparkline grows with the readings. */
const USUAL_CELSIUS = 100;
const USUAL_WATTS = 300;

export const DeviceCard = (props: Props) =>
  props.device.kind === 'cpu' ? <CpuCard {...props} /> : <GpuCard {...props} />;

function CpuCard({ device, history }: Props) {
  const now = history.at(-1);
  const cpu = history.map((reading) => reading.cpuUtil);
  return (
    <Frame
      device={device}
      util={now?.cpuUtil ?? 0}
      units={device.units === null ? '' : `${device.units} cores`}
    >
      {now ? (
        <>
          <Meter
            label="Load"
            value={formatPercent(now.cpuUtil)}
            history={cpu}
            max={1}
            color="var(--chart-1)"
          />
          <MemoryBar
            label="Memory"
            used={now.memoryUsedBytes}
            total={now.memoryTotalBytes}
            text={`${formatBytes(now.memoryUsedBytes)} of ${formatBytes(now.memoryTotalBytes)}`}
          />
          <Text size="xs" c="dimmed">
            {formatBytes(now.diskFreeBytes)} free on the disk of the library
          </Text>
        </>
      ) : (
        <NoReading />
      )}
    </Frame>
  );
}

function GpuCard({ device, history }: Props) {
  const now = history.at(-1)?.gpus.find((gpu) => gpu.index === device.index);
  const series = (value: Parameters<typeof gpuSeries>[2]) => gpuSeries(history, device.index, value);
  const watts = series((gpu) => gpu.powerW);
  return (
    <Frame
      device={device}
      util={now?.util ?? 0}
      units={device.units === null ? '' : `${device.units} multiprocessors`}
    >
      {now ? (
        <>
          <Meter
            label="Load"
            value={formatPercent(now.util)}
            history={series((gpu) => gpu.util)}
            max={1}
            color="var(--chart-1)"
          />
          <MemoryBar
            label="Memory"
            used={now.memoryUsedBytes}
            total={now.memoryTotalBytes}
            text={`${formatBytes(now.memoryUsedBytes)} of ${formatBytes(now.memoryTotalBytes)}`}
          />
          <div className={classes.pair}>
            <Meter
              label="Temperature"
              value={`${Math.round(now.temperatureC)} °C`}
              history={series((gpu) => gpu.temperatureC)}
              max={USUAL_CELSIUS}
              color="var(--chart-2)"
            />
            <Meter
              label="Power"
              value={`${Math.round(now.powerW)} W`}
              history={watts}
              max={Math.max(USUAL_WATTS, ...watts)}
              color="var(--chart-4)"
            />
          </div>
        </>
      ) : (
        <NoReading />
      )}
    </Frame>
  );
}

const NoReading = () => (
  <Text size="sm" c="dimmed">
    Waiting for the first reading
  </Text>
);

function Frame(props: { device: Device; util: number; units: string; children: ReactNode }) {
  const { device, util, units, children } = props;
  return (
    <article className={classes.card} aria-label={device.name}>
      <Group wrap="nowrap" align="flex-start" gap="md">
        <DevicePicture kind={device.kind} units={device.units} util={util} />
        <div style={{ minWidth: 0 }}>
          <Text fw={600}>{device.name}</Text>
          <Text size="sm" c="dimmed">
            {device.kind === 'cpu' ? 'Processor' : `GPU ${device.index}`}
            {units && `, ${units}`}, {formatBytes(device.memoryTotalBytes)}
          </Text>
          <Group gap={4} mt={6}>
            {device.features.map((feature) => (
              <Badge key={feature} size="xs" variant="default" tt="none">
                {feature}
              </Badge>
            ))}
          </Group>
        </div>
      </Group>
      {children}
    </article>
  );
}
