import { Radio, Text } from '@mantine/core';
import type { LayoutForecast } from '../../../../../electron/shared/api/entities.ts';
import { formatBytes } from '../../../components/format.ts';
import { VerdictBadge } from '../../../components/VerdictBadge.tsx';
import classes from './Layouts.module.css';

interface Props {
  readonly layouts: readonly LayoutForecast[];
  /** `parallel` of the draft. */
  readonly chosen: unknown;
  readonly busy: boolean;
  readonly ranks: number;
  readonly onChoose: (layout: LayoutForecast) => void;
}

const spent = [
  ['compute', 'computing'],
  ['bubble', 'waiting in the pipeline'],
  ['communication', 'communicating'],
] as const;

/** Two figures are all that an estimate has. */
const seconds = (value: number) =>
  value < 1 ? `${Number((value * 1000).toPrecision(2))} ms` : `${Number(value.toPrecision(2))} s`;

const gridOf = (p: Partial<LayoutForecast['parallel']>) =>
  [p.dp_size, p.tp_size, p.pp_size, p.zero_stage, p.sequence_parallel === true].join('-');

const nameOf = ({ parallel: p }: LayoutForecast) =>
  [
    `dp ${p.dp_size}, tp ${p.tp_size}, pp ${p.pp_size}`,
    ...(p.zero_stage > 0 ? [`ZeRO ${p.zero_stage}`] : []),
    ...(p.sequence_parallel ? ['sequence parallel'] : []),
  ].join(', ');

/** Layouts to choose from, one row each. Time is split into what it is made of, so that one sees what a layout costs. */
export function LayoutTable({ layouts, chosen, busy, ranks, onChoose }: Props) {
  const current = gridOf((chosen ?? {}) as Partial<LayoutForecast['parallel']>);
  if (layouts.length === 0)
    return (
      <Text size="sm" c="dimmed">
        The model and the batch allow no layout of {ranks} ranks: the data-parallel ranks must share the
        micro-batches of a step evenly, and heads and layers must divide.
      </Text>
    );
  return (
    <>
      <div className={classes.scroll} aria-busy={busy} style={{ opacity: busy ? 0.6 : 1 }}>
        <table className={classes.table} aria-label="Layouts">
          <thead>
            <tr>
              <th scope="col">Layout</th>
              <th scope="col" className={classes.number}>
                Memory
              </th>
              <th scope="col">
                <span className={classes.hidden}>Verdict</span>
              </th>
              <th scope="col" className={classes.number}>
                Step
              </th>
              <th scope="col" className={classes.wide}>
                Spent on
              </th>
            </tr>
          </thead>
          <tbody>
            {layouts.map((layout) => (
              <Row
                key={gridOf(layout.parallel)}
                layout={layout}
                slowest={layouts.reduce((most, { time }) => Math.max(most, time.totalSeconds), 0)}
                checked={gridOf(layout.parallel) === current}
                onChoose={() => onChoose(layout)}
              />
            ))}
          </tbody>
        </table>
      </div>
      <ul className={classes.legend}>
        {spent.map(([name, title]) => (
          <li key={name}>
            <span className={classes[name]} aria-hidden />
            {title}
          </li>
        ))}
        <li>
          Memory is that of a device: of a GPU, or of all ranks on a CPU. Times are estimates to compare by.
          The global batch stays as it is: a layout sets the gradient accumulation that keeps it.
        </li>
      </ul>
    </>
  );
}

interface RowProps {
  readonly layout: LayoutForecast;
  readonly slowest: number;
  readonly checked: boolean;
  readonly onChoose: () => void;
}

function Row({ layout, slowest, checked, onChoose }: RowProps) {
  const { computeSeconds, bubbleSeconds, communicationSeconds, totalSeconds } = layout.time;
  const values = { compute: computeSeconds, bubble: bubbleSeconds, communication: communicationSeconds };
  const text = spent.map(([name, title]) => `${seconds(values[name])} ${title}`).join(', ');
  return (
    <tr data-checked={checked || undefined}>
      <td>
        <Radio size="xs" name="layout" checked={checked} onChange={onChoose} label={nameOf(layout)} />
      </td>
      <td className={classes.number}>{formatBytes(layout.deviceBytes)}</td>
      <td>
        <VerdictBadge verdict={layout.verdict} small />
      </td>
      <td className={classes.number}>{seconds(totalSeconds)}</td>
      <td>
        <div className={classes.bar} role="img" aria-label={text} title={text}>
          {spent.map(([name]) => (
            <div
              key={name}
              className={classes[name]}
              style={{ width: `${(100 * values[name]) / slowest}%` }}
            />
          ))}
        </div>
      </td>
    </tr>
  );
}
