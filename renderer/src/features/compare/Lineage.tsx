/** Where the runs come from: resumed, continued from another, or another with a change. */
import { Anchor, Text } from '@mantine/core';
import { href } from '../../app/route.ts';
import classes from './Compare.module.css';
import type { Compared } from './compared.ts';

/** Runs whose origin is told before more are left out. */
const MOST = 40;

export function Lineage({ compared }: { compared: Compared }) {
  const told = compared.report.runs.filter(({ lineage }) => lineage.length > 0);
  if (told.length === 0) return null;
  return (
    <section aria-label="Lineage">
      <Text fw={600} size="sm" mb={4}>
        Where they come from
      </Text>
      <table className={classes.plain}>
        <tbody>
          {told.slice(0, MOST).map((run) => (
            <tr key={run.id}>
              <th scope="row" style={{ width: 260 }}>
                <Anchor href={href('runs', run.id)} size="sm">
                  {run.name}
                </Anchor>
              </th>
              <td>{run.lineage.map(({ text }) => text).join('; ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {told.length > MOST && (
        <Text size="xs" c="dimmed">
          and {told.length - MOST} more
        </Text>
      )}
    </section>
  );
}
