import { Group, SegmentedControl, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { RankStatus } from '../../../../electron/shared/runs/events.ts';
import charts from '../../charts/charts.module.css';
import { plural } from '../../components/format.ts';
import { DevicePicture } from './DevicePicture.tsx';
import classes from './RankPicture.module.css';
import {
  COLOURS,
  type Colouring,
  colourings,
  colouringTitles,
  colourOf,
  groupNames,
  groupsOf,
  placeText,
  type RankDevice,
  type RankPlace,
} from './rank-places.ts';

interface Props {
  readonly devices: readonly RankDevice[];
  /** What of a running rank is known, by rank. */
  readonly states?: ReadonlyMap<number, RankStatus['state']>;
  /** Below the ranks of a device: its memory. */
  readonly foot?: (device: RankDevice) => ReactNode;
}

const stateTexts: Record<RankStatus['state'], string> = {
  starting: 'starting',
  alive: 'alive',
  gone: 'its process is gone',
  ended: 'ended',
};

/** The devices with the ranks on them, coloured by one axis of the grid. */
export function RankPicture({ devices, states, foot }: Props) {
  const [by, setBy] = useState<Colouring>('stage');
  const groups = groupsOf(devices, by);
  return (
    <div className={`${classes.colors} ${charts.colors}`}>
      <Group gap="xs" mb="xs">
        <Text size="xs" c="dimmed" id="colour-by">
          Colour by
        </Text>
        <SegmentedControl
          size="xs"
          aria-labelledby="colour-by"
          value={by}
          onChange={(next) => setBy(next as Colouring)}
          data={colourings.map((value) => ({ value, label: colouringTitles[value] }))}
        />
        <ul className={classes.groups} aria-label="What the colours mean">
          {groups.slice(0, COLOURS).map((place) => (
            <li key={place[by]} style={{ '--rank-fill': colourOf(place, by) } as React.CSSProperties}>
              {groupNames[by]} {place[by]}
            </li>
          ))}
          {groups.length > COLOURS && <li data-plain>and again from the first, up to {groups.length - 1}</li>}
        </ul>
      </Group>
      <div className={classes.devices} data-one={devices.length === 1 || undefined}>
        {devices.map((device) => (
          <DeviceBox key={device.key} device={device} by={by} states={states} foot={foot?.(device)} />
        ))}
      </div>
    </div>
  );
}

interface BoxProps {
  readonly device: RankDevice;
  readonly by: Colouring;
  readonly states: Props['states'] | undefined;
  readonly foot: ReactNode;
}

function DeviceBox({ device, by, states, foot }: BoxProps) {
  const { kind, units, title, name, ranks, key } = device;
  const cores = kind === 'cpu' && units !== null ? `, ${plural(units, 'core')}` : '';
  return (
    <section className={classes.device} data-none={key === 'none' || undefined} aria-label={title}>
      <Group gap="sm" wrap="nowrap">
        {key !== 'none' && <DevicePicture kind={kind} units={units} util={0} />}
        <div style={{ minWidth: 0 }}>
          <Text size="sm" fw={550} truncate>
            {title}
          </Text>
          <Text size="xs" c="dimmed">
            {name === undefined ? '' : `${name}, `}
            {plural(ranks.length, 'rank')}
            {cores}
          </Text>
        </div>
      </Group>
      <ul className={classes.ranks} aria-label={`Ranks on ${title}`}>
        {ranks.map((place) => (
          <Rank key={place.rank} place={place} by={by} state={states?.get(place.rank)} />
        ))}
      </ul>
      {foot && <div className={classes.foot}>{foot}</div>}
    </section>
  );
}

interface RankProps {
  readonly place: RankPlace;
  readonly by: Colouring;
  readonly state: RankStatus['state'] | undefined;
}

function Rank({ place, by, state }: RankProps) {
  const text = state ? `${placeText(place)}; ${stateTexts[state]}` : placeText(place);
  return (
    <li
      className={classes.rank}
      style={{ '--rank-fill': colourOf(place, by) } as React.CSSProperties}
      data-state={state}
      aria-label={text}
      title={text}
    >
      {place.rank}
      <small aria-hidden>
        s{place.stage} d{place.dpRank} t{place.tpRank}
      </small>
    </li>
  );
}
