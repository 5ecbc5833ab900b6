import { Group, Stack, Text } from '@mantine/core';
import type { RunPreview } from '../../../../electron/shared/api/entities.ts';
import { formatBytes } from '../../components/format.ts';
import { VerdictBadge } from '../../components/VerdictBadge.tsx';
import classes from './Compose.module.css';
import { type MemoryPart, memoryParts, memoryScale } from './memory-parts.ts';

/** Forecast of the memory in its parts, against what this machine has. */
export function MemoryBar({ memory, title }: { memory: RunPreview['memory']; title: string }) {
  const parts = memoryParts(memory);
  const { end, limit } = memoryScale(memory);
  const total = formatBytes(memory.totalBytes);
  const available = formatBytes(memory.availableBytes);
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={550}>
          {title}: about {total}
        </Text>
        <VerdictBadge verdict={memory.verdict} />
      </Group>
      <div className={classes.barFrame} role="img" aria-label={`About ${total} of ${available} available`}>
        <div className={classes.bar}>
          {parts.map((part) => (
            <div
              key={part.name}
              className={`${classes.part} ${classes[part.name]}`}
              style={{ width: `${(part.bytes / end) * 100}%` }}
              title={`${part.title}: ${formatBytes(part.bytes)}`}
            />
          ))}
        </div>
        {limit !== null && <div className={classes.limit} style={{ left: `${limit * 100}%` }} />}
      </div>
      <Group justify="space-between" gap="xs" data-tabular aria-hidden>
        <Text size="xs" c="dimmed">
          0
        </Text>
        <Text size="xs" c="dimmed">
          {limit === null ? `scale to ${formatBytes(end)}; ${available} available` : `${available} available`}
        </Text>
      </Group>
      <Legend parts={parts} available={available} limited={limit !== null} />
    </Stack>
  );
}

function Legend(props: { parts: readonly MemoryPart[]; available: string; limited: boolean }) {
  return (
    <dl style={{ margin: 0 }}>
      {props.parts.map((part) => (
        <LegendLine
          key={part.name}
          swatch={`${classes.swatch} ${classes[part.name]}`}
          title={part.title}
          value={formatBytes(part.bytes)}
        />
      ))}
      {props.limited && (
        <LegendLine swatch={classes.limitSwatch ?? ''} title="Available" value={props.available} />
      )}
    </dl>
  );
}

const LegendLine = ({ swatch, title, value }: { swatch: string; title: string; value: string }) => (
  <Group gap={8} wrap="nowrap" data-tabular>
    <span className={swatch} aria-hidden />
    <Text component="dt" size="xs" style={{ flex: 1 }}>
      {title}
    </Text>
    <Text component="dd" size="xs" m={0}>
      {value}
    </Text>
  </Group>
);
