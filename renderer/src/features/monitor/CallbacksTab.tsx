import { Alert, Box, Group, Select, Stack, Text } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useState } from 'react';
import { type CallbackStatus, callbackLog } from '../../../../electron/shared/runs/callbacks.ts';
import { formatInteger } from '../../components/format.ts';
import { LogTab } from './LogTab.tsx';

/** That a callback has ended before its run; the run goes on. */
export function CallbackNotice({ callbacks }: { callbacks: readonly CallbackStatus[] }) {
  const failed = callbacks.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return null;
  return (
    <Alert
      color="yellow"
      mb="lg"
      role="status"
      icon={<IconPlugConnectedX aria-hidden />}
      title={failed.length === 1 ? 'A callback has ended' : `${failed.length} callbacks have ended`}
      styles={{ title: { color: 'var(--collie-warn)' } }}
    >
      {failed.map(({ name, error }) => (
        <Text key={name} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {name}: {error}
        </Text>
      ))}
      <Text size="sm">The training is not touched by it. The tab Callbacks has its log.</Text>
    </Alert>
  );
}

const words: Record<CallbackStatus['state'], string> = {
  starting: 'Starting',
  running: 'Running',
  ended: 'Ended with the run',
  failed: 'Ended with an error',
};

interface Props {
  id: string;
  callbacks: readonly CallbackStatus[];
  live: boolean;
  /** Folder of the run. */
  path: string | null;
}

/** How each callback is, and what it prints. */
export function CallbacksTab({ id, callbacks, live, path }: Props) {
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = callbacks.find(({ name }) => name === chosen) ?? callbacks[0];
  if (!shown) return null;
  return (
    <Stack gap="md">
      {callbacks.length > 1 && (
        <Select
          label="Callback"
          w={280}
          allowDeselect={false}
          data={callbacks.map(({ name }) => name)}
          value={shown.name}
          onChange={setChosen}
        />
      )}
      <State of={shown} />
      <LogTab
        key={shown.name}
        id={id}
        live={live}
        callback={shown.name}
        path={path && `${path}/${callbackLog(shown.name)}`}
      />
    </Stack>
  );
}

function State({ of: { name, state, error, missedSteps } }: { of: CallbackStatus }) {
  return (
    <Box>
      <Group gap="sm">
        <Text fw={600}>{name}</Text>
        <Text size="sm" {...(state === 'failed' ? { c: 'var(--collie-warn)', fw: 600 } : {})}>
          {words[state]}
        </Text>
        {missedSteps > 0 && (
          <Text size="sm" c="dimmed">
            was busy during {formatInteger(missedSteps)} {missedSteps === 1 ? 'step' : 'steps'}
          </Text>
        )}
      </Group>
      {error && (
        <Text size="sm" mt={4} style={{ overflowWrap: 'anywhere' }}>
          {error}
        </Text>
      )}
    </Box>
  );
}
