import { Alert, Anchor, List, Text } from '@mantine/core';
import { IconBellRinging } from '@tabler/icons-react';
import { useState } from 'react';
import type { Alarm } from '../../../../electron/shared/runs/alarms/alarm.ts';
import { alarmTitle } from '../../../../electron/shared/runs/alarms/registry.ts';

const SHOWN = 2;

/** What was found alarming in a run, newest first: what was seen, what it may come from, what to do. */
export function AlarmList({ alarms }: { alarms: readonly Alarm[] }) {
  const [all, setAll] = useState(false);
  if (alarms.length === 0) return null;
  const newest = alarms.toReversed();
  const shown = all ? newest : newest.slice(0, SHOWN);
  return (
    <Alert
      color="orange"
      mb="lg"
      icon={<IconBellRinging aria-hidden />}
      title={alarms.length === 1 ? 'An alarm' : `${alarms.length} alarms`}
      styles={{ title: { color: 'var(--collie-warn)' } }}
    >
      <List size="sm" spacing="xs">
        {shown.map((alarm) => (
          <List.Item key={`${alarm.kind} ${alarm.timeUs}`}>
            <Text span size="sm" fw={600}>
              {alarmTitle(alarm.kind)}, step {alarm.step}:
            </Text>{' '}
            {alarm.message} {alarm.cause} {alarm.advice}
          </List.Item>
        ))}
      </List>
      {newest.length > SHOWN && (
        <Anchor component="button" type="button" size="xs" mt="xs" mih={24} onClick={() => setAll(!all)}>
          {all ? 'Only the newest' : 'All alarms'}
        </Anchor>
      )}
    </Alert>
  );
}
