import { Code, Stack, Text } from '@mantine/core';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { shownLines } from './log-lines.ts';
import { useRunLog } from './use-run-log.ts';

const LAST_LINES = 12;

/** Why a run failed, what to do, and what the log said last. */
export function FailurePanel({ id, error }: { id: string; error: ErrorInfo }) {
  const { log } = useRunLog(id, false);
  const last = shownLines(log).slice(-LAST_LINES);
  return (
    <Stack gap="sm" mb="lg">
      <ErrorView info={error} title="This run failed" />
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
