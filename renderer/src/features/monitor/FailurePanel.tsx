import { Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { type SuggestedChange, suggestedChange } from '../runs/suggested-change.ts';
import { shownLines } from './log-lines.ts';
import { useRunLog } from './use-run-log.ts';

const LAST_LINES = 12;

/** Why a run failed, what to do, and what the log said last. */
interface Props {
  readonly id: string;
  readonly error: ErrorInfo;
  /** null until it is read. */
  readonly spec: RunSpec | null;
  readonly onDuplicate: (change: SuggestedChange) => void;
}

export function FailurePanel({ id, error, spec, onDuplicate }: Props) {
  const { log } = useRunLog(id, false);
  const change = spec && suggestedChange(error.code, spec);
  const last = shownLines(log).slice(-LAST_LINES);
  return (
    <Stack gap="sm" mb="lg">
      <ErrorView info={error} title="This run failed" />
      {change && (
        <Group>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconCopy size={16} aria-hidden />}
            onClick={() => onDuplicate(change)}
          >
            Duplicate with {change.label}
          </Button>
        </Group>
      )}
      {last.length > 0 && (
        <div>
          <Text size="xs" c="dimmed" mb={4}>
            Last lines of the log
          </Text>
          <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {last.join('\n')}
          </Code>
        </div>
      )}
    </Stack>
  );
}
