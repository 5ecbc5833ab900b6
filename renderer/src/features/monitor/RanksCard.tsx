import { Group, Slider, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { RankPoint } from '../../../../electron/shared/runs/series.ts';
import { formatInteger } from '../../components/format.ts';
import page from './Monitor.module.css';
import classes from './RankGrid.module.css';
import { highestRank, type RankGrid, rankGrid } from './rank-grid.ts';

/** Where AdaLoRA's ranks are, layer by module, at any of its allocations. Shows the newest until one is chosen. */
export function RanksCard({ points }: { points: readonly RankPoint[] }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const last = points.length - 1;
  const index = Math.min(chosen ?? last, last);
  const point = points[index];
  const most = useMemo(() => highestRank(points), [points]);
  const grid = useMemo(() => rankGrid(point?.modules ?? {}), [point]);
  if (!point) return null;
  return (
    <section className={page.card} aria-label="Ranks of modules">
      <Group justify="space-between" align="baseline" mb="xs">
        <Text size="sm" fw={600}>
          Ranks of modules
        </Text>
        <Text size="xs" c="dimmed" data-tabular>
          step {formatInteger(point.step)}: {formatInteger(point.total)} in all, target{' '}
          {formatInteger(point.target)}
        </Text>
      </Group>
      <div className={classes.scroll}>
        <RankTable grid={grid} most={most} />
      </div>
      <Group gap="md" mt="sm" wrap="nowrap">
        <Text size="xs" c="dimmed">
          Allocation
        </Text>
        <Slider
          className={classes.slider ?? ''}
          size="sm"
          min={0}
          max={Math.max(last, 1)}
          disabled={last === 0}
          value={index}
          thumbLabel="Allocation of ranks"
          thumbProps={{ 'aria-valuetext': `step ${point.step}` }}
          label={(at) => `step ${points[at]?.step ?? ''}`}
          // At the newest it follows the run again.
          onChange={(at) => setChosen(at >= last ? null : at)}
        />
      </Group>
    </section>
  );
}

/** Shares of full colour from which the text on it changes sides: in the dark scheme, in the light one. */
const HALF = 0.48;
const STRONG = 0.72;

function RankTable({ grid, most }: { grid: RankGrid; most: number }) {
  return (
    <table className={classes.grid}>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          {grid.layers.map((layer) => (
            <th key={layer} scope="col">
              {layer}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {grid.rows.map(({ module, ranks }) => (
          <tr key={module}>
            <th scope="row">{module}</th>
            {ranks.map((rank, k) => (
              <td
                key={grid.layers[k]}
                data-half={(rank ?? 0) / most > HALF || undefined}
                data-strong={(rank ?? 0) / most > STRONG || undefined}
                style={{ '--share': `${Math.round((100 * (rank ?? 0)) / most)}%` } as React.CSSProperties}
                title={`Layer ${grid.layers[k]}, ${module}: ${rank === null ? 'no adapter' : `rank ${rank}`}`}
              >
                {rank ?? ''}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
