/** Every point with its runs, best first. */
import { Anchor, Group, Text, Title } from '@mantine/core';
import { href } from '../../app/route.ts';
import { RunStateBadge } from '../runs/RunStateBadge.tsx';
import classes from './Sweeps.module.css';
import { isPaused, type Point, settingTitle, sweptPaths, writtenValue } from './sweep-points.ts';

export function PointsTable({ points }: { points: readonly Point[] }) {
  const paths = sweptPaths(points);
  const sorted = [...points].sort(
    (a, b) => (a.mean ?? Number.POSITIVE_INFINITY) - (b.mean ?? Number.POSITIVE_INFINITY) || 0,
  );
  return (
    <section aria-labelledby="sweep-table">
      <Title order={2} size="h4" mb="xs" id="sweep-table">
        Points
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by keyboard */}
      <section className={classes.scroll} tabIndex={0} aria-label="Points and their runs">
        <table className={classes.points}>
          <thead>
            <tr>
              {paths.map((path) => (
                <th key={path} scope="col" title={path}>
                  {settingTitle(path)}
                </th>
              ))}
              <th scope="col" data-right>
                Loss
              </th>
              <th scope="col">Runs</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((point) => (
              <tr key={point.key}>
                {paths.map((path) => (
                  <td key={path}>{writtenValue(point.values[path])}</td>
                ))}
                <td data-right>
                  {point.mean === null ? '–' : point.mean.toFixed(4)}
                  {point.sd !== null && (
                    <Text span size="xs" c="dimmed">
                      {' '}
                      ± {point.sd.toFixed(4)}
                    </Text>
                  )}
                </td>
                <td>
                  <Runs point={point} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

const Runs = ({ point }: { point: Point }) => (
  <Group gap="sm">
    {point.runs.map(({ id, seed, status }) => (
      <Group key={id} gap={4} wrap="nowrap">
        {status ? (
          <>
            <Anchor href={href('runs', id)} size="sm">
              {seed === null ? 'Run' : `Seed ${seed}`}
            </Anchor>
            <RunStateBadge state={status.state} word={isPaused(status) ? 'Paused' : undefined} />
          </>
        ) : (
          <Text size="sm" c="dimmed">
            {seed === null ? 'Run' : `Seed ${seed}`} removed
          </Text>
        )}
      </Group>
    ))}
  </Group>
);
