import { Badge } from '@mantine/core';
import type { RankStatus } from '../../../../../electron/shared/runs/events.ts';
import { formatBytes, formatPercent } from '../../../charts/format.ts';
import { formatInteger } from '../../../components/format.ts';
import { colourOf } from '../../devices/rank-places.ts';
import classes from './Ranks.module.css';
import { formatMicroseconds } from './timeline-view.ts';

const states: Record<RankStatus['state'], { text: string; color: string; ink: string }> = {
  starting: { text: 'Starting', color: 'gray', ink: 'var(--mantine-color-dimmed)' },
  alive: { text: 'Alive', color: 'green', ink: 'var(--collie-ok)' },
  gone: { text: 'Gone', color: 'red', ink: 'var(--collie-bad)' },
  ended: { text: 'Ended', color: 'gray', ink: 'var(--mantine-color-dimmed)' },
};

/** Of the last step waiting for other stages, 0 to 1; null before it. */
export const waitShare = ({ stepSeconds, waitSeconds }: RankStatus): number | null =>
  stepSeconds === null || waitSeconds === null || stepSeconds <= 0
    ? null
    : Math.min(1, waitSeconds / stepSeconds);

const seconds = (value: number | null) => (value === null ? '–' : formatMicroseconds(value * 1e6));

/** One row a rank: where it is, and how its last step went. */
export function RankTable({ ranks }: { ranks: readonly RankStatus[] }) {
  return (
    <div className={classes.scroll}>
      <table className={classes.table} aria-label="Ranks">
        <thead>
          <tr>
            <th scope="col">Rank</th>
            <th scope="col">State</th>
            <th scope="col">Stage</th>
            <th scope="col">Copy</th>
            <th scope="col">Part</th>
            <th scope="col">Process</th>
            <th scope="col">Step</th>
            <th scope="col">Step time</th>
            <th scope="col">Waiting for stages</th>
            <th scope="col">Memory</th>
            <th scope="col">Peak</th>
          </tr>
        </thead>
        <tbody>
          {ranks.map((rank) => (
            <Row key={rank.rank} rank={rank} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ rank }: { rank: RankStatus }) {
  const state = states[rank.state];
  const share = waitShare(rank);
  return (
    <tr data-state={rank.state}>
      <th scope="row">
        <span className={classes.dot} style={{ background: colourOf(rank, 'stage') }} aria-hidden />
        {rank.rank}
      </th>
      <td>
        <Badge size="sm" variant="light" color={state.color} c={state.ink}>
          {state.text}
        </Badge>
      </td>
      <td>{rank.stage}</td>
      <td>{rank.dpRank}</td>
      <td>{rank.tpRank}</td>
      <td>{rank.pid === null ? '–' : `${rank.pid} on ${rank.host}`}</td>
      <td>{rank.step === null ? '–' : formatInteger(rank.step)}</td>
      <td>{seconds(rank.stepSeconds)}</td>
      <td>
        <div className={classes.wait}>
          {formatPercent(share)}
          <div className={classes.waitBar} aria-hidden>
            <div style={{ width: `${100 * (share ?? 0)}%` }} />
          </div>
        </div>
      </td>
      <td>{formatBytes(rank.memoryBytes)}</td>
      <td>{formatBytes(rank.memoryPeakBytes)}</td>
    </tr>
  );
}
