/** The evaluated rows of two groups: which each was better at, and what kind of rows those are. */
import { Button, Group, Modal, SegmentedControl, Select, Skeleton, Stack, Text } from '@mantine/core';
import { IconListSearch } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { ComparedExample, Examples } from '../../../../electron/shared/runs/comparison.ts';
import { href } from '../../app/route.ts';
import { formatValue } from '../../charts/format.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { PointPlot } from './PointPlot.tsx';
import { useAnswer } from './use-answer.ts';

type Outcome = ComparedExample['outcome'];
const outcomeColors: Record<Outcome, string> = {
  won: 'var(--collie-ok)',
  lost: 'var(--collie-bad)',
  tied: 'var(--mantine-color-dimmed)',
};
/** Rows of the list; the most telling ones come first. */
const MOST_ROWS = 100;

export function ExamplesTab({ compared, candidate }: { compared: Compared; candidate: LookedGroup }) {
  const [slice, setSlice] = useState<string | null>(null);
  const { data, error, waiting, again } = useAnswer(
    'compare.examples',
    { view: compared.view, candidate: candidate.key, slice },
    compared.stamp,
  );
  if (error) return <ErrorView info={error} title="The rows could not be compared" onRetry={again} />;
  if (!data) return <Skeleton h={240} aria-label="Reading the evaluated rows" />;
  if (data.problem !== null)
    return <EmptyState icon={IconListSearch} title="No row to compare" text={data.problem} />;
  const names = [compared.baseline?.title ?? '', candidate.title] as const;
  return (
    <Stack gap="md" aria-busy={waiting || undefined}>
      <Text size="sm">
        Of {plural(data.examples.length, 'row')}, {candidate.title} has a lower loss on{' '}
        <strong>{data.won}</strong>, a higher one on <strong>{data.lost}</strong>, the same on{' '}
        <strong>{data.tied}</strong>.
      </Text>
      <div className={classes.two}>
        <Scatter examples={data.examples} names={names} />
        <Slices found={data} slice={slice} onSlice={setSlice} />
      </div>
      <Rows examples={data.examples} names={names} keys={[compared.baseline?.key ?? '', candidate.key]} />
    </Stack>
  );
}

function Scatter({
  examples,
  names,
}: {
  examples: readonly ComparedExample[];
  names: readonly [string, string];
}) {
  const points = useMemo(
    () =>
      examples.map(({ id, baseline, candidate, outcome, messages }) => ({
        key: id,
        x: baseline,
        y: candidate,
        color: outcomeColors[outcome],
        label: messages.find(({ role }) => role === 'user')?.content.slice(0, 80) ?? id,
      })),
    [examples],
  );
  return (
    <PointPlot
      title="Loss of each row: below the line the candidate is better"
      points={points}
      xTitle={`${names[0]} (baseline)`}
      yTitle={names[1]}
      formatX={formatValue}
      formatY={formatValue}
      diagonal
    />
  );
}

function Slices(props: { found: Examples; slice: string | null; onSlice: (slice: string | null) => void }) {
  const { found, slice, onSlice } = props;
  return (
    <section className={classes.card} aria-label="Slices">
      <Group justify="space-between" mb="xs">
        <Text size="sm" fw={600}>
          By slices
        </Text>
        <Select
          size="xs"
          w={200}
          aria-label="Slice by"
          data={[
            { value: '', label: 'Length' },
            ...found.columns.map((name) => ({ value: name, label: name })),
          ]}
          value={slice ?? ''}
          allowDeselect={false}
          onChange={(value) => onSlice(value || null)}
        />
      </Group>
      <table className={classes.plain}>
        <thead>
          <tr>
            <th scope="col">Rows with</th>
            <th scope="col">Rows</th>
            <th scope="col">Won</th>
            <th scope="col">Lost</th>
            <th scope="col">Mean difference of the loss</th>
          </tr>
        </thead>
        <tbody>
          {found.slices.map((one) => (
            <tr key={one.title}>
              <th scope="row">{one.title}</th>
              <td>{one.rows}</td>
              <td>{one.won}</td>
              <td>{one.lost}</td>
              <td>{formatValue(one.difference)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowsProps {
  examples: readonly ComparedExample[];
  names: readonly [string, string];
  keys: readonly [string, string];
}

function Rows({ examples, names, keys }: RowsProps) {
  const [which, setWhich] = useState<Outcome | 'all'>('all');
  const [opened, setOpened] = useState<ComparedExample | null>(null);
  const shown = useMemo(() => {
    const size = ({ baseline, candidate }: ComparedExample) => Math.abs(candidate - baseline);
    return examples
      .filter(({ outcome }) => which === 'all' || outcome === which)
      .sort((a, b) => size(b) - size(a));
  }, [examples, which]);
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
      {opened && <OneRow example={opened} names={names} keys={keys} onClose={() => setOpened(null)} />}
    </section>
  );
}

function OneRow(props: Omit<RowsProps, 'examples'> & { example: ComparedExample; onClose: () => void }) {
  const { example, names, keys, onClose } = props;
  return (
    <Modal opened onClose={onClose} title="One row" size="xl">
      <Stack gap="sm">
        {example.messages.map(({ role, content }, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: messages have no other name, and never move
          <div key={k} className={classes.card}>
            <Text size="xs" c="dimmed">
              {role}
            </Text>
            <div className={classes.answer}>{content}</div>
          </div>
        ))}
        <table className={classes.plain}>
          <tbody>
            <tr>
              <th scope="row">{names[0]} (baseline)</th>
              <td>{formatValue(example.baseline)} nats a token</td>
            </tr>
            <tr>
              <th scope="row">{names[1]}</th>
              <td>{formatValue(example.candidate)} nats a token</td>
            </tr>
          </tbody>
        </table>
        <Group>
          <Button
            size="xs"
            variant="default"
            component="a"
            href={href('playground', { run: keys.join(',') })}
          >
            Ask both in the Playground
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
