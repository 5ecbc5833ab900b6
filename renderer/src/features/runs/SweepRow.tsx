import { Anchor, Progress, Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { href } from '../../app/route.ts';
import { useStore } from '../../store/context.tsx';
import { pointName } from '../sweeps/point-name.ts';
import { bestPoint, pointsOf, progressOf, progressText } from '../sweeps/sweep-points.ts';
import { Check } from './Check.tsx';
import classes from './Runs.module.css';
import type { ListRow } from './sweep-rows.ts';

interface Props {
  readonly item: Extract<ListRow, { kind: 'sweep' }>;
  readonly place: number;
  readonly columns: number;
  readonly height: number;
  readonly selected: ReadonlySet<string>;
  readonly onToggle: (ids: readonly string[]) => void;
  readonly onOpen: (id: string) => void;
}

/** A sweep as one row: how far it is, and the best it has found. Opens to its runs. */
export function SweepRow({ item, place, columns, height, selected, onToggle, onOpen }: Props) {
  const { sweep, rows, open } = item;
  const runs = useStore((s) => s.runs);
  const progress = progressOf(sweep, runs);
  const best = bestPoint(pointsOf(sweep, runs));
  const chosen = rows.filter(({ run }) => selected.has(run.id)).length;
  return (
    <tr aria-rowindex={place + 2} style={{ height }}>
      <td>
        <Check
          label={`Select all runs of ${sweep.name}`}
          checked={chosen > 0 && chosen === rows.length}
          mixed={chosen > 0 && chosen < rows.length}
          onToggle={() => onToggle(rows.map(({ run }) => run.id))}
        />
      </td>
      <td colSpan={columns}>
        <div className={classes.sweep}>
          <UnstyledButton
            className={classes.more ?? ''}
            aria-expanded={open}
            aria-label={`Runs of ${sweep.name}`}
            onClick={() => onOpen(sweep.id)}
          >
            <IconChevronRight
              size={16}
              aria-hidden
              className={classes.chevron ?? ''}
              data-open={open || undefined}
            />
          </UnstyledButton>
          <Anchor href={href('sweeps', sweep.id)} size="sm" className={classes.name ?? ''}>
            {sweep.name}
          </Anchor>
          <Progress w={90} value={progress.share * 100} size="sm" aria-label={`Progress of ${sweep.name}`} />
          <Text span size="xs" c="dimmed" truncate>
            {progressText(progress)}
            {best?.mean != null && `; best: ${pointName(best.values)}, loss ${best.mean.toFixed(3)}`}
          </Text>
        </div>
      </td>
      <td />
    </tr>
  );
}
