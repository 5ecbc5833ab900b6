import { Progress, Text } from '@mantine/core';
import { Sparkline } from '../../charts/Sparkline.tsx';
import classes from './Devices.module.css';
import { HISTORY } from './telemetry-history.ts';

interface Props {
  label: string;
  value: string;
  history: readonly number[];
  max: number;
  color: string;
}

/** A number that changes, with its last minutes. */
export function Meter({ label, value, history, max, color }: Props) {
  return (
    <div className={classes.meter}>
      <div className={classes.meterHead}>
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        <Text size="sm" fw={600}>
          {value}
        </Text>
      </div>
      <div className={classes.spark}>
        <Sparkline values={history} max={max} color={color} slots={HISTORY} height={36} />
      </div>
    </div>
  );
}

/** Used of total, as a bar. */
export function MemoryBar({
  label,
  used,
  total,
  text,
}: {
  label: string;
  used: number;
  total: number;
  text: string;
}) {
  const share = total > 0 ? Math.min(1, used / total) : 0;
  return (
    <div>
      <div className={classes.meterHead}>
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        <Text size="sm" fw={600}>
          {text}
        </Text>
      </div>
      <Progress
        mt={4}
        size="md"
        value={share * 100}
        color={share > 0.9 ? 'var(--chart-2)' : 'var(--chart-3)'}
        transitionDuration={300}
        aria-label={`${label}: ${text}`}
      />
    </div>
  );
}
