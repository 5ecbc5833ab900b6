import { Alert, Button, Group, Text } from '@mantine/core';
import { IconLock, IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useStore } from '../store/context.tsx';

/** Says that the host is out of reach, that nothing is lost, and when the next attempt is made. */
export function ConnectionBanner() {
  const line = useStore((s) => s.line);
  const retry = useStore((s) => s.retryConnection);
  const seconds = useSecondsUntil(line.retryAt);
  if (line.state === 'denied')
    return (
      <Alert
        color="red"
        mb="md"
        icon={<IconLock aria-hidden />}
        title="The host refused this page"
        role="alert"
      >
        Open the address that <code>collie serve</code> printed, with its token.
      </Alert>
    );
  if (line.state !== 'lost') return null;
  return (
    <Alert
      color="yellow"
      mb="md"
      icon={<IconPlugConnectedX aria-hidden />}
      title="Connection to the host lost"
      role="status"
    >
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">
          Runs go on without it; what you see may be out of date.{' '}
          {seconds === null ? 'Connecting…' : `Next attempt in ${seconds} s.`}
        </Text>
        <Button size="xs" variant="default" onClick={retry} disabled={line.retryAt === null}>
          Connect now
        </Button>
      </Group>
    </Alert>
  );
}

function useSecondsUntil(time: number | null): number | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (time === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [time]);
  return time === null ? null : Math.max(0, Math.ceil((time - now) / 1000));
}
