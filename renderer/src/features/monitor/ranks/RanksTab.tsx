import { Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import type { RankStatus, RunStatus } from '../../../../../electron/shared/runs/events.ts';
import type { RunSpec } from '../../../../../electron/shared/spec/run-spec.ts';
import { formatBytes } from '../../../charts/format.ts';
import { useStore } from '../../../store/context.tsx';
import rankColours from '../../devices/RankPicture.module.css';
import { RankPicture } from '../../devices/RankPicture.tsx';
import { devicesOfHosts, type RankDevice, rankDevices } from '../../devices/rank-places.ts';
import page from '../Monitor.module.css';
import { RankTable } from './RankTable.tsx';
import { TimelineCard } from './TimelineCard.tsx';

/** The engine measures what its pipeline waits, not its collectives. */
const WAITING_TEXT =
  'Waiting is for the other stages of the pipeline. What a rank waits for its data- or tensor-parallel group to add up counts as computing.';

/** The processes of a run of several ranks: where they are, how they fare, and what each does in a step. */
export function RanksTab({ status, spec }: { status: RunStatus; spec: RunSpec }) {
  const { ranks } = status;
  const system = useStore((s) => s.system);
  const { parallel, hosts, device } = spec;
  const devices = useMemo(
    () =>
      (hosts.length === 0 ? devicesOfHosts(ranks, device) : null) ??
      rankDevices(parallel, hosts, device, system?.devices ?? []),
    [ranks, parallel, hosts, device, system],
  );
  const states = useMemo(() => new Map(ranks.map(({ rank, state }) => [rank, state])), [ranks]);
  return (
    <Stack gap="md">
      <section className={page.card} aria-label="Ranks on devices">
        <RankPicture
          devices={devices}
          states={states}
          foot={(one) => <DeviceMemory device={one} ranks={ranks} />}
        />
      </section>
      <section className={`${page.card} ${rankColours.colors}`} aria-label="Ranks and their last step">
        <RankTable ranks={ranks} />
        <Text size="xs" c="dimmed" mt="xs">
          {WAITING_TEXT}
        </Text>
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
