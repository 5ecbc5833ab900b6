import { Skeleton, Stack, Text } from '@mantine/core';
import charts from '../../charts/charts.module.css';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { DeviceCard } from './DeviceCards.tsx';
import classes from './Devices.module.css';
import { useTelemetry } from './use-telemetry.ts';

/** What this machine computes with, and how busy it is. */
export default function DevicesPage() {
  const system = useStore((s) => s.system);
  const error = useStore((s) => s.systemError);
  const load = useStore((s) => s.loadSystem);
  const history = useTelemetry();
  const hasGpu = system?.devices.some((device) => device.kind === 'cuda') ?? false;
  return (
    <Page title="Machine" description="What runs can compute with, and how busy it is now.">
      {!system && !error && <Skeleton h={260} maw={480} role="status" aria-label="Loading the devices" />}
      {error && (
        <ErrorView info={error} title="The devices could not be listed" onRetry={() => void load()} />
      )}
      {system && (
        <Stack gap="md" className={charts.colors ?? ''}>
          {system.engine.problem && (
            <ErrorView
              info={system.engine.problem}
              title="Training is not possible yet"
              onRetry={() => void load()}
            />
          )}
          <div className={classes.grid}>
            {system.devices.map((device) => (
              <DeviceCard key={`${device.kind} ${device.index}`} device={device} history={history} />
            ))}
          </div>
          {!hasGpu && (
            <Text size="sm" c="dimmed">
              No CUDA device was found: runs compute on the processor.
            </Text>
          )}
        </Stack>
      )}
    </Page>
  );
}
