import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';

interface Props {
  readonly info: ErrorInfo;
  /** What was tried, e.g. "The models could not be listed". */
  readonly title?: string;
  readonly onRetry?: () => void;
}

/** An error with what the user can do about it. */
export function ErrorView({ info, title = 'Something went wrong', onRetry }: Props) {
  return (
    <Alert role="alert" color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {info.message}
        </Text>
        {info.hint && (
          <Text size="sm" fw={500}>
            {info.hint}
          </Text>
        )}
        <Group gap="sm">
          {onRetry && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconRefresh size={14} aria-hidden />}
              onClick={onRetry}
            >
              Try again
            </Button>
          )}
          <Code aria-label="Error code">{info.code}</Code>
        </Group>
      </Stack>
    </Alert>
  );
}
