import { Text } from '@mantine/core';
import { Hint } from '../../components/Hint.tsx';
import classes from './Monitor.module.css';
import type { Tile } from './stat-tiles.ts';

export function StatTiles({ tiles }: { tiles: readonly Tile[] }) {
  return (
    <dl className={classes.tiles}>
      {tiles.map((tile) => (
        <Hint key={tile.label} label={tile.help}>
          <div className={classes.tile}>
            <dt>{tile.label}</dt>
            <dd>
              <span className={classes.tileValue}>{tile.value}</span>
              <Text size="xs" c="dimmed" mih={18}>
                {tile.note}
              </Text>
            </dd>
          </div>
        </Hint>
      ))}
    </dl>
  );
}
