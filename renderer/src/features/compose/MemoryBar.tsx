import { Badge, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import type { RunPreview } from '../../../../electron/shared/entities.ts';
import { formatBytes } from '../../components/format.ts';
import classes from './Compose.module.css';

const verdicts = {
  fits: { text: 'Fits', color: 'green', ink: 'var(--collie-ok)', icon: IconCircleCheck },
  tight: { text: 'Tight', color: 'yellow', ink: 'var(--collie-warn)', icon: IconAlertTriangle },
  does_not_fit: { text: 'Does not fit', color: 'red', ink: 'var(--collie-bad)', icon: IconCircleX },
} as const;

/** Forecast of the memory in its parts, against what this machine has. */
export function MemoryBar({ memory }: { memory: RunPreview['memory'] }) {
  const parts = [
    { name: 'Weights', bytes: memory.weightsBytes, className: classes.weights },
    { name: 'Gradients', bytes: memory.gradientsBytes, className: classes.gradients },
    { name: 'Optimizer', bytes: memory.optimizerBytes, className: classes.optimizer },
    { name: 'Activations', bytes: memory.activationsBytes, className: classes.activations },
  ];
  // What no part of the run explains: the program itself, its libraries and buffers.
  const rest = memory.totalBytes - parts.reduce((sum, part) => sum + part.bytes, 0);
  if (rest > 0) parts.push({ name: 'Program and buffers', bytes: rest, className: classes.program });
  // The longer of both is the whole bar: a run that does not fit sticks out beyond the line of what there is.
  const whole = Math.max(memory.totalBytes, memory.availableBytes, 1);
  const verdict = verdicts[memory.verdict];
  const total = formatBytes(memory.totalBytes);
  const available = formatBytes(memory.availableBytes);
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={550}>
          Memory
        </Text>
        <Badge
          variant="light"
          color={verdict.color}
          c={verdict.ink}
          leftSection={<verdict.icon size={13} aria-hidden />}
        >
          {verdict.text}
        </Badge>
      </Group>
      <div className={classes.bar} role="img" aria-label={`About ${total} of ${available} available`}>
        {parts.map((part) => (
          <div
            key={part.name}
            className={`${classes.part} ${part.className}`}
            style={{ width: `${(part.bytes / whole) * 100}%` }}
            title={`${part.name}: ${formatBytes(part.bytes)}`}
          />
        ))}
        {memory.totalBytes > memory.availableBytes && (
          <div className={classes.limit} style={{ left: `${(memory.availableBytes / whole) * 100}%` }} />
        )}
      </div>
      <Group justify="space-between" gap="xs" data-tabular>
        <Text size="xs" c="dimmed">
          about {total}
        </Text>
        <Text size="xs" c="dimmed">
          {available} available
        </Text>
      </Group>
      <dl style={{ margin: 0 }}>
        {parts.map((part) => (
          <Group key={part.name} gap={8} wrap="nowrap">
            <span className={`${classes.swatch} ${part.className}`} aria-hidden />
            <Text component="dt" size="xs" style={{ flex: 1 }}>
              {part.name}
            </Text>
            <Text component="dd" size="xs" m={0}>
              {formatBytes(part.bytes)}
            </Text>
          </Group>
        ))}
      </dl>
    </Stack>
  );
}
