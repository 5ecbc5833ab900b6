import { Alert, List, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { RunSeries } from '../../../../electron/shared/runs/series.ts';

const SHOWN = 3;

/** What the engine found worth a warning, newest first; the same message is shown once. */
export function Warnings({ warnings }: Pick<RunSeries, 'warnings'>) {
  const last = new Map(warnings.map((w) => [w.message, w]));
  if (last.size === 0) return null;
  const newest = [...last.values()].sort((a, b) => b.timeUs - a.timeUs);
  return (
    <Alert
      color="yellow"
      mb="lg"
      icon={<IconAlertTriangle aria-hidden />}
      title={newest.length === 1 ? 'A warning' : `${newest.length} warnings`}
      styles={{ title: { color: 'var(--collie-warn)' } }}
    >
      <List size="sm">
        {newest.slice(0, SHOWN).map((w) => (
          <List.Item key={w.message}>
            {w.message}{' '}
            <Text span size="xs" c="dimmed">
              (step {w.step})
            </Text>
          </List.Item>
        ))}
      </List>
      {newest.length > SHOWN && (
        <Text size="xs" c="dimmed" mt={4}>
          The log has the others.
        </Text>
      )}
    </Alert>
  );
}
