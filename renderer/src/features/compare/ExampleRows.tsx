/** Rows that were won, lost and tied, each of which opens with what both made of it. */
import { Button, Group, SegmentedControl, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type {
  ComparedExample,
  Examples,
  RowMetric,
} from '../../../../electron/shared/runs/compared-examples.ts';
import { formatValue } from '../../charts/format.ts';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { OpenedRow } from './OpenedRow.tsx';

type Outcome = ComparedExample['outcome'];
export const outcomeColors: Record<Outcome, string> = {
  won: 'var(--collie-ok)',
  lost: 'var(--collie-bad)',
  tied: 'var(--mantine-color-dimmed)',
};
/** Rows of the list; the most telling ones come first. */
const MOST_ROWS = 100;

interface Props {
  found: Examples;
  metric: RowMetric;
  names: readonly [string, string];
  compared: Compared;
  candidate: LookedGroup;
}

export function ExampleRows({ found, metric, names, compared, candidate }: Props) {
  const [which, setWhich] = useState<Outcome | 'all'>('all');
  const [opened, setOpened] = useState<ComparedExample | null>(null);
  const shown = useMemo(() => {
    const size = ({ baseline, candidate: other }: ComparedExample) => Math.abs(other - baseline);
    return found.examples
      .filter(({ outcome }) => which === 'all' || outcome === which)
      .sort((a, b) => size(b) - size(a));
  }, [found, which]);
  return (
    <section aria-label="Rows">
      <Group gap="md" mb="xs">
        <SegmentedControl
          size="xs"
          aria-label="Which rows"
          data={[
            { value: 'all', label: 'All' },
            { value: 'won', label: 'Won' },
            { value: 'lost', label: 'Lost' },
            { value: 'tied', label: 'Tied' },
          ]}
          value={which}
          onChange={(value) => setWhich(value as typeof which)}
        />
        <Text size="xs" c="dimmed">
          The largest differences first{shown.length > MOST_ROWS ? `, ${MOST_ROWS} of ${shown.length}` : ''}
        </Text>
      </Group>
      <table className={classes.plain}>
        <thead>
          <tr>
            <th scope="col">Row</th>
            <th scope="col" style={{ width: 90 }}>
              Tokens
            </th>
            <th scope="col" style={{ width: 120 }}>
              Baseline
            </th>
            <th scope="col" style={{ width: 120 }}>
              Candidate
            </th>
            <th scope="col" style={{ width: 90 }}>
              Outcome
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, MOST_ROWS).map((one) => (
            <tr key={one.id}>
              <th scope="row">
                <Button variant="transparent" size="compact-sm" px={0} onClick={() => setOpened(one)}>
                  {(one.messages.find(({ role }) => role === 'user')?.content ?? one.id).slice(0, 110)}
                </Button>
              </th>
              <td>{one.tokens}</td>
              <td>{formatValue(one.baseline)}</td>
              <td>{formatValue(one.candidate)}</td>
              <td style={{ color: outcomeColors[one.outcome] }}>{one.outcome}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {opened && (
        <OpenedRow
          ask={{ view: compared.view, candidate: candidate.key, set: found.set, id: opened.id }}
          names={names}
          metric={metric}
          onClose={() => setOpened(null)}
        />
      )}
    </section>
  );
}
