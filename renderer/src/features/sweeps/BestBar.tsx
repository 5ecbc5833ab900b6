import { Button, Group, Text } from '@mantine/core';
import { IconCopy, IconTrophy } from '@tabler/icons-react';
import compare from '../compare/Compare.module.css';
import { useActions } from '../compare/use-actions.ts';
import { pointName } from './point-name.ts';
import type { Point } from './sweep-points.ts';

/** The best point, and the way from it to a full run. */
export function BestBar({ best }: { best: Point | null }) {
  const { clone } = useActions();
  if (best === null || best.mean === null) return null;
  const { losses, sd, mean } = best;
  const run = best.runs.find(({ status }) => status !== null);
  return (
    <Group gap="sm" role="toolbar" aria-label="The best point" className={compare.card ?? ''}>
      <IconTrophy size={18} aria-hidden />
      <Text size="sm" mr="auto">
        {best.done ? 'Best' : 'Best so far'}:{' '}
        <Text span fw={600}>
          {pointName(best.values)}
        </Text>
        , loss {mean.toFixed(4)}
        {sd !== null && ` ± ${sd.toFixed(4)} over ${losses.length} seeds`}
      </Text>
      <Button
        size="xs"
        leftSection={<IconCopy size={15} aria-hidden />}
        disabled={!run}
        onClick={() => run && void clone(run.id)}
      >
        Promote to a full run
      </Button>
    </Group>
  );
}
