/** One evaluated row: what was asked, what is right, and what both runs made of it side by side. */
import { Button, Group, Modal, Select, Skeleton, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { MethodParams } from '../../../../electron/shared/api/api.ts';
import type {
  OpenedExample,
  RowMetric,
  RowOutput,
} from '../../../../electron/shared/runs/compared-examples.ts';
import { href } from '../../app/route.ts';
import { formatPercent, formatValue } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatInteger } from '../../components/format.ts';
import { RowText } from '../../components/RowText.tsx';
import classes from './Compare.module.css';
import { MarkedText } from './MarkedText.tsx';
import { useAnswer } from './use-answer.ts';

type Names = readonly [string, string];

interface Props {
  ask: MethodParams<'compare.example'>;
  names: Names;
  /** The one that the rows are ordered by comes first. */
  metric: RowMetric;
  onClose: () => void;
}

export function OpenedRow({ ask, names, metric, onClose }: Props) {
  const { data, error, again } = useAnswer('compare.example', ask);
  return (
    <Modal opened onClose={onClose} title="One row" size="min(1100px, 92vw)">
      {error && <ErrorView info={error} title="The row could not be read" onRetry={again} />}
      {!data && !error && <Skeleton h={200} aria-label="Reading the row" />}
      {data && <Content row={data} names={names} metric={metric} />}
    </Modal>
  );
}

function Content({ row, names, metric }: { row: OpenedExample; names: Names; metric: RowMetric }) {
  const runs = [row.baseline[0]?.run, row.candidate[0]?.run].filter((run) => run !== undefined);
  const generated = [...row.baseline, ...row.candidate].some(({ answers }) => answers.length > 0);
  return (
    <Stack gap="sm">
      <RowText messages={row.messages} expected={row.expected} />
      {generated && <Answers row={row} names={names} />}
      <Values row={row} first={metric.name} />
      <Group>
        <Button size="xs" variant="default" component="a" href={href('playground', { run: runs.join(',') })}>
          Ask both in the Playground
        </Button>
      </Group>
    </Stack>
  );
}

interface Said {
  key: string;
  label: string;
  text: string;
  cut: boolean;
}

/** All answers of a side: of each run, and of each time it was asked. */
function saidBy(outputs: readonly RowOutput[]): Said[] {
  return outputs.flatMap(({ run, name, answers }) =>
    answers.map(({ text, finish }, k) => ({
      key: `${run} ${k}`,
      label: answers.length > 1 ? `${name}, answer ${k + 1}` : name,
      text,
      cut: finish === 'length',
    })),
  );
}

function Answers({ row, names }: { row: OpenedExample; names: Names }) {
  const [keys, setKeys] = useState<readonly [string, string]>(['', '']);
  const all = [saidBy(row.baseline), saidBy(row.candidate)] as const;
  const chosen = all.map((said, k) => said.find(({ key }) => key === keys[k]) ?? said[0]);
  const [before, after] = chosen.map((one) => one?.text ?? '') as [string, string];
  return (
    <div className={classes.two}>
      {(['baseline', 'candidate'] as const).map((side, k) => (
        <section key={side} className={classes.card} aria-label={`Answer of the ${side}`}>
          <Group justify="space-between" mb={4}>
            <Text size="xs" c="dimmed">
              {names[k]}
              {side === 'baseline' ? ' (baseline)' : ''}
              {chosen[k]?.cut ? ', cut off at the answer length' : ''}
            </Text>
            {(all[k]?.length ?? 0) > 1 && (
              <Select
                size="xs"
                w={220}
                aria-label={`Which answer of the ${side}`}
                data={(all[k] ?? []).map(({ key, label }) => ({ value: key, label }))}
                value={chosen[k]?.key ?? null}
                allowDeselect={false}
                onChange={(key) => key && setKeys(k === 0 ? [key, keys[1]] : [keys[0], key])}
              />
            )}
          </Group>
          <div className={classes.answer}>
            <MarkedText before={before} after={after} side={side} />
          </div>
        </section>
      ))}
    </div>
  );
}

/** What each run was given for it, and the label that it chose. */
function Values({ row, first }: { row: OpenedExample; first: string }) {
  const outputs = [...row.baseline, ...row.candidate];
  const chose = outputs.some(({ chosen }) => chosen !== null);
  const metrics = row.metrics.toSorted((a, b) => Number(b.name === first) - Number(a.name === first));
  return (
    <table className={classes.plain}>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Step</th>
          {chose && <th scope="col">Predicted label</th>}
          {metrics.map(({ name, title, unit }) => (
            <th scope="col" key={name}>
              {title}
              {unit === 'nats' ? ', nats a token' : ''}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {outputs.map((output, k) => (
          <tr key={output.run}>
            <th scope="row">{k < row.baseline.length ? `${output.name} (baseline)` : output.name}</th>
            <td>{formatInteger(output.step)}</td>
            {chose && <td>{labelOf(output, row.expected)}</td>}
            {metrics.map(({ name }) => (
              <td key={name}>{formatValue(output.scores[name])}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function labelOf({ chosen, probability }: RowOutput, expected: readonly string[]): string {
  if (chosen === null) return 'none';
  const share = probability === null ? '' : ` (${formatPercent(probability)})`;
  return `${chosen}${share}, ${expected.includes(chosen) ? 'right' : 'wrong'}`;
}
