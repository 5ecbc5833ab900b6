import { Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import type { RankStatus, RunStatus } from '../../../../../electron/shared/events.ts';
import type { RunSpec } from '../../../../../electron/shared/run-spec.ts';
import { formatBytes } from '../../../charts/format.ts';
import { useStore } from '../../../store/context.tsx';
import rankColours from '../../devices/RankPicture.module.css';
import { RankPicture } from '../../devices/RankPicture.tsx';
import { type RankDevice, rankDevices } from '../../devices/rank-places.ts';
import classes from './Ranks.module.css';
import { RankTable } from './RankTable.tsx';
import { TimelineCard } from './TimelineCard.tsx';

/** The processes of a run of several ranks: where they are, how they fare, and what each does in a step. */
export function RanksTab({ status, spec }: { status: RunStatus; spec: RunSpec }) {
  const { ranks } = status;
  const system = useStore((s) => s.system);
  const { parallel, hosts, device } = spec;
  const devices = useMemo(
    () => rankDevices(parallel, hosts, device, system?.devices ?? []),
    [parallel, hosts, device, system],
  );
  const states = useMemo(() => new Map(ranks.map(({ rank, state }) => [rank, state])), [ranks]);
  return (
    <Stack gap="md">
      <section className={classes.card} aria-label="Ranks on devices">
        <RankPicture
          devices={devices}
          states={states}
          foot={(one) => <DeviceMemory device={one} ranks={ranks} />}
        />
      </section>
      <section className={`${classes.card} ${rankColours.colors}`} aria-label="Ranks and their last step">
        <RankTable ranks={ranks} />
      </section>
      {parallel.timeline ? (
        <TimelineCard id={status.id} spec={spec} step={status.step} />
      ) : (
        <Text size="sm" c="dimmed">
          With "Record a timeline" (Parallel, advanced) a run shows here when each rank computed which
          micro-batch.
        </Text>
      )}
    </Stack>
  );
}

function DeviceMemory({ device, ranks }: { device: RankDevice; ranks: readonly RankStatus[] }) {
  const here = new Set(device.ranks.map(({ rank }) => rank));
  const known = ranks.flatMap(({ rank, memoryBytes }) =>
    here.has(rank) && memoryBytes !== null ? [memoryBytes] : [],
  );
  if (known.length === 0) return null;
  return (
    <Text size="xs" c="dimmed">
      {formatBytes(known.reduce((sum, bytes) => sum + bytes, 0))} at the last step of its ranks
    </Text>
  );
}
